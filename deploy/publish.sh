#!/usr/bin/env bash
# Builds the image so that two builds of one commit are equal, and pushes it to a registry.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

usage() {
  cat <<'TEXT'
usage: deploy/publish.sh [options] REPOSITORY [-- further arguments of the builder]

  REPOSITORY           where to: registry.example.org/data/dbt-data-ops
  --tag TAG            further tag beside the version; may be repeated
  --with NAMES         duckdb, trino or duckdb,trino: with what checks of these engines need; the version's tag ends with it
  --platform LIST      linux/amd64,linux/arm64 (default: this machine's alone)
  --base DIGEST        sha256:… of python:3.13-slim-trixie: the same base image in every build (Docker only)
  --sbom FILE          also write the list of what is in the image (CycloneDX JSON) to FILE; of several platforms, the first one's
  --insecure           the registry speaks plain HTTP
  --allow-dirty        build although files are changed or not committed; the revision says so
  --build-only         do not push
  -h, --help

The last line printed is the image with its digest: REPOSITORY@sha256:…
It uses Docker's buildx, or buildah where no Docker engine answers (BUILDER=docker or BUILDER=buildah decides). Log in before:
docker login, or buildah login.
TEXT
}

die() {
  echo "publish: $*" >&2
  exit 2
}

value() { # value OPTION $# [VALUE]: the option has one
  [[ $2 -ge 2 && -n ${3:-} ]] || die "$1 needs a value; see deploy/publish.sh --help"
}

repository='' tags=() with='' platforms='' base='' sbom='' insecure=no dirty=no push=yes further=()
while (($# > 0)); do
  case $1 in
    --tag) value "$1" $# "${2:-}" && tags+=("$2") && shift ;;
    --with) value "$1" $# "${2:-}" && with=$2 && shift ;;
    --platform) value "$1" $# "${2:-}" && platforms=$2 && shift ;;
    --base) value "$1" $# "${2:-}" && base=$2 && shift ;;
    --sbom) value "$1" $# "${2:-}" && sbom=$2 && shift ;;
    --insecure) insecure=yes ;;
    --allow-dirty) dirty=yes ;;
    --build-only) push=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    --)
      shift
      further=("$@")
      break
      ;;
    -*) die "unknown option '$1'; see deploy/publish.sh --help" ;;
    *)
      [[ -z $repository ]] || die "one repository, please: '$repository' or '$1'"
      repository=$1
      ;;
  esac
  shift
done
part='[a-z0-9]+([._-]+[a-z0-9]+)*'
[[ -n $repository ]] || die "name the repository: deploy/publish.sh registry.example.org/data/dbt-data-ops"
[[ $repository =~ ^[a-zA-Z0-9.-]+(:[0-9]{1,5})?(/$part)+$ ]] ||
  die "'$repository' is no repository; give HOST[:PORT]/NAME in lower case, without a tag (--tag TAG)"
for tag in ${tags[@]+"${tags[@]}"}; do
  [[ $tag =~ ^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$ ]] || die "--tag '$tag' is no tag; use letters, digits, dots, dashes, up to 128"
done
engines=()
for name in duckdb trino; do [[ ,$with, != *,$name,* ]] || engines+=("$name"); done
for name in ${with//,/ }; do
  [[ $name == duckdb || $name == trino ]] || die "--with '$with': there are duckdb and trino; give one, or both with a comma"
done
for platform in ${platforms//,/ }; do
  [[ $platform =~ ^linux/(amd64|arm64)$ ]] || die "--platform '$platform': the image is for linux/amd64 and linux/arm64"
done
[[ -z $base || $base =~ ^sha256:[0-9a-f]{64}$ ]] || die "--base '$base' is no digest; give sha256: and 64 hexadecimal digits"

cd -- "$root"
git rev-parse HEAD >/dev/null 2>&1 || die "$root is no git repository; the image is built from a commit"
revision=$(git rev-parse HEAD)
if [[ -n $(git status --porcelain) ]]; then
  [[ $dirty == yes ]] || die "files are changed or not committed; commit them, or give --allow-dirty"
  revision+=-dirty
fi
version=$(sed -nE 's/^__version__ = "([^"]+)".*/\1/p' stringx_dataops/__init__.py)
[[ -n $version ]] || die "stringx_dataops/__init__.py names no __version__"
variant=${engines[*]+"${engines[*]}"}
tags=("$version${variant:+-${variant// /-}}" ${tags[@]+"${tags[@]}"})
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$created")
[[ -z $variant ]] || arguments+=(--build-arg "WITH=${variant// /,}")
for_all=() for_first=()
[[ -z $platforms ]] || for_all=(--platform "$platforms") for_first=(--platform "${platforms%%,*}")
arguments+=(${further[@]+"${further[@]}"})

if [[ -z ${BUILDER:-} ]]; then
  if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
    BUILDER=docker
  elif command -v buildah >/dev/null; then
    BUILDER=buildah
  else
    die "no Docker engine with buildx answers and there is no buildah; install one of them"
  fi
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is built is the commit: files that Git does not know stay out of the image.
if [[ $dirty == no ]]; then
  mkdir "$work/context"
  # with modes of its own, whoever builds it, with whatever umask
  git -c tar.umask=0022 archive HEAD | tar -xp -C "$work/context"
  context=$work/context
else
  context=$root
fi

case $BUILDER in
  docker)
    [[ -z $base ]] || arguments+=(--build-context "python:3.13-slim-trixie=docker-image://docker.io/library/python@$base")
    output="type=image,push=$([[ $push == yes ]] && echo true || echo false),rewrite-timestamp=true"
    [[ $insecure == no ]] || output+=",registry.insecure=true"
    for tag in "${tags[@]}"; do arguments+=(--tag "$repository:$tag"); done
    docker buildx build --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" --provenance=false --output "$output" \
      --metadata-file "$work/built.json" ${for_all[@]+"${for_all[@]}"} "${arguments[@]}" "$context"
    digest=$(sed -nE 's/.*"containerimage.digest": "(sha256:[0-9a-f]{64})".*/\1/p' "$work/built.json")
    if [[ -n $sbom ]]; then
      # of one platform: the tar of several has a folder for each
      docker buildx build --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" --target sbom --output "type=tar,dest=$work/sbom.tar" \
        ${for_first[@]+"${for_first[@]}"} "${arguments[@]}" "$context"
      tar -xOf "$work/sbom.tar" tmp/sbom.cdx.json >"$sbom"
    fi
    ;;
  buildah)
    [[ -z $base ]] || die "--base goes with Docker; with buildah, pull the base image by its digest and tag it before"
    manifest=dbt-data-ops-$$
    buildah build --timestamp "$SOURCE_DATE_EPOCH" --manifest "$manifest" ${for_all[@]+"${for_all[@]}"} "${arguments[@]}" "$context"
    trap 'rm -rf "$work"; buildah manifest rm "$manifest" >/dev/null 2>&1 || true' EXIT
    if [[ -n $sbom ]]; then
      container=$(buildah from --pull-never "$manifest")
      buildah run "$container" -- cat /usr/share/stringx/sbom.cdx.json >"$sbom"
      buildah rm "$container" >/dev/null
    fi
    if [[ $push == yes ]]; then
      for tag in "${tags[@]}"; do
        buildah manifest push --all --quiet --tls-verify="$([[ $insecure == no ]] && echo true || echo false)" \
          --digestfile "$work/digest" "$manifest" "docker://$repository:$tag"
      done
      digest=$(cat "$work/digest")
    else
      digest=$(buildah inspect --type manifest --format '{{.}}' "$manifest" >/dev/null 2>&1; buildah images --format '{{.Digest}}' "$manifest" | head -1)
    fi
    ;;
  *) die "BUILDER is '$BUILDER'; give docker or buildah" ;;
esac
[[ -n $digest ]] || die "the builder named no digest"
echo "$repository@$digest"
