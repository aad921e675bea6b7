// An OpenID Connect issuer of npm's `oidc-provider`, whose own pages ask who somebody is: `node issuer.mjs PORT CALLBACK`.
// Whoever signs in there by an e-mail address has it; what stands before a dot in it is their group.

import Provider from "oidc-provider";

const [port, callback] = process.argv.slice(2);
const person = (id) => ({
  accountId: id,
  claims: () => ({ sub: id, email: id, email_verified: true, name: id.split("@")[0], groups: [id.split(".")[0]] }),
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "kubestats", client_secret: "the issuer's word for us", redirect_uris: [callback] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  cookies: { keys: ["only for tests"] },
  findAccount: (_, id) => person(id),
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`forges: serving http://127.0.0.1:${port}`));
