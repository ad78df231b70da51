// Asks the YAML server of VS Code about texts: {schema, complete: [text with ¦ at the cursor], validate: [text]} on standard input.
const { getLanguageService } = require("yaml-language-server");
const { TextDocument } = require("vscode-languageserver-textdocument");

const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const quiet = { send() {}, sendError() {}, sendTrack() {} };
const server = getLanguageService({
  schemaRequestService: async () => JSON.stringify(asked.schema),
  workspaceContext: { resolveRelativePath: (path) => path },
  telemetry: quiet,
});
server.configure({
  validate: true, completion: true, yamlVersion: "1.2",
  schemas: [{ uri: "file:///stringx.schema.json", fileMatch: ["*.yml"], schema: asked.schema }],
});
let number = 0;
const open = (text) => TextDocument.create(`file:///${number++}.yml`, "yaml", 1, text);

async function complete(text) {
  const document = open(text.replace("¦", ""));
  const found = await server.doComplete(document, document.positionAt(text.indexOf("¦")), false);
  return found.items.map((item) => item.label);
}

async function validate(text) {
  const found = await server.doValidation(open(text), false);
  return found.map((fault) => `${fault.range.start.line + 1}: ${fault.message}`);
}

(async () => {
  const answer = { complete: [], validate: [] };
  for (const text of asked.complete) answer.complete.push(await complete(text));
  for (const text of asked.validate) answer.validate.push(await validate(text));
  console.log(JSON.stringify(answer));
})();
