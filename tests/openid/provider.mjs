// The provider: node provider.mjs PORT REDIRECT_URI. Whoever signs in as NAME.GROUP.GROUP is in these groups. Nobody is asked for consent.
import Provider from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: "stringx", client_secret: "the-secret", redirect_uris: [redirectUri], id_token_signed_response_alg: "RS256" }],
  pkce: { required: () => true },
  claims: { openid: ["sub", "groups"], profile: ["preferred_username"], email: ["email", "email_verified"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, email: `${id.split(".")[0]}@example.org`, email_verified: true, groups: id.split(".").slice(1) }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
