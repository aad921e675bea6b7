// Checks answers of the stand-in against what the forges publish of their APIs: `node check.mjs ANSWERS.json`.
//
// GitHub REST: the OpenAPI description (@octokit/openapi), by a JSON Schema validator, without room for fields that the
// description does not have; and headers against answers that were recorded of github.com (@octokit/fixtures).
// GitHub GraphQL: query and answer against the published schema, by the reference implementation.
// Forgejo and Gitea: types generated from Gitea's OpenAPI description (gitea-js), by the TypeScript compiler.
// GitLab publishes no description of its projects in a package: types that the maintainers of @gitbeaker/core wrote.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const { version, file } = require('./package.json').kubestats.openapi;
const cache = process.env.KUBESTATS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kubestats');
const answers = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const wrong = [];
const checked = { openapi: 0, graphql: 0, types: 0, recorded: 0 };

const api = JSON.parse(readFileSync(join(cache, 'schemas', `github-${version}`, file.split('/').pop()), 'utf8'));
openapi(answers.openapi);
await graphql(answers.graphql);
types(answers.types);
recorded(answers.recorded);

for (const line of wrong) console.error(line);
console.log(JSON.stringify(checked));
if (wrong.length > 0 || Object.values(checked).some((count) => count === 0)) process.exit(1);

// OpenAPI 3.0 writes `nullable` where JSON Schema writes a type; and a schema with properties is closed here.
function schemaOf(node, closed = true) {
  if (Array.isArray(node)) return node.map((one) => schemaOf(one, closed));
  if (node === null || typeof node !== 'object') return node;
  if (node.$ref) {
    const name = node.$ref.split('/').pop();
    return schemaOf(api.components.schemas[name], closed);
  }
  const { nullable, example, examples, ...rest } = node;
  const union = rest.allOf ?? rest.anyOf ?? rest.oneOf;
  const out = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith('x-')) continue;
    if (key === 'properties') {
      out.properties = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, schemaOf(one)]));
    } else if (key === 'enum' && nullable) {
      out.enum = [...value, null];
    } else {
      out[key] = schemaOf(value, !['allOf', 'anyOf', 'oneOf'].includes(key));
    }
  }
  if (closed && out.properties && !union && out.additionalProperties === undefined) out.additionalProperties = false;
  if (!nullable) return out;
  return typeof out.type === 'string' ? { ...out, type: [out.type, 'null'] } : { anyOf: [out, { type: 'null' }] };
}

function openapi(list) {
  const Ajv = require('ajv').default;
  const ajv = new Ajv({ strict: false, allErrors: true });
  require('ajv-formats').default(ajv);
  ajv.addFormat('repo.nwo', true);
  for (const { what, path, status, body } of list) {
    // A repository by its id is not in the description; it is the same as one by its name.
    const described = api.paths[path].get.responses[status];
    const response = described.$ref ? api.components.responses[described.$ref.split('/').pop()] : described;
    const content = response.content ?? {};
    const schema = (content['application/json'] ?? Object.values(content)[0]).schema;
    const validate = ajv.compile(schemaOf(schema));
    checked.openapi += 1;
    if (!validate(body)) {
      for (const error of validate.errors) {
        wrong.push(`${what} (${status}): ${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`);
      }
    }
  }
}

async function graphql(list) {
  const { buildSchema, execute, parse, validate } = await import('graphql');
  const schema = buildSchema(readFileSync(join(here, 'node_modules/@octokit/graphql-schema/schema.graphql'), 'utf8'), {
    // Two fields of the published schema are there twice; they are none of ours.
    assumeValidSDL: true,
  });
  for (const { what, query, variables, data } of list) {
    const document = parse(query);
    const invalid = validate(schema, document);
    // The answer is given back through the schema, which refuses nulls, numbers and words where they have no place.
    const again = invalid.length > 0 ? {} : await execute({ schema, document, rootValue: data, variableValues: variables });
    checked.graphql += 1;
    for (const error of [...invalid, ...(again.errors ?? [])]) wrong.push(`${what}: ${error.message}`);
    if (again.data && JSON.stringify(sorted(again.data)) !== JSON.stringify(sorted(data))) {
      wrong.push(`${what}: the schema makes something else of the answer`);
    }
  }
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

function types(list) {
  const ts = require('typescript');
  const imports = new Map();
  const lines = list.map(({ what, from, type, body }, place) => {
    const names = type.match(/[A-Z]\w+/g).filter((name) => !['Partial', 'Omit', 'Pick'].includes(name));
    imports.set(from, new Set([...(imports.get(from) ?? []), ...names]));
    checked.types += 1;
    return `// ${what}\nexport const a${place}: ${type} = ${JSON.stringify(body, null, 1)};`;
  });
  const head = [...imports].map(([from, names]) => `import type { ${[...names].join(', ')} } from '${from}';`);
  const name = join(here, 'answers.ts');
  const text = [...head, ...lines].join('\n');
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, types: [] };
  const host = ts.createCompilerHost(options);
  const [read, exists] = [host.getSourceFile.bind(host), host.fileExists.bind(host)];
  host.fileExists = (path) => path === name || exists(path);
  host.getSourceFile = (path, ...rest) => (path === name ? ts.createSourceFile(path, text, rest[0]) : read(path, ...rest));
  const program = ts.createProgram([name], options, host);
  for (const found of ts.getPreEmitDiagnostics(program)) {
    const at = found.file && found.start !== undefined ? found.file.getLineAndCharacterOfPosition(found.start) : undefined;
    const line = at && found.file.fileName === name ? text.split('\n')[at.line] : '';
    wrong.push(`types: ${ts.flattenDiagnosticMessageText(found.messageText, ' ')} ${line}`);
  }
}

function recorded(list) {
  for (const { what, scenario, path, status, headers, keys } of list) {
    const folder = join(here, 'node_modules/@octokit/fixtures/scenarios/api.github.com', scenario);
    const all = JSON.parse(readFileSync(join(folder, 'raw-fixture.json'), 'utf8'));
    const one = all.find((entry) => entry.method === 'get' && entry.status === status && entry.path.includes(path));
    // Names and values in turn.
    const names = one.rawHeaders.filter((_, place) => place % 2 === 0).map((name) => name.toLowerCase());
    checked.recorded += 1;
    for (const name of ['etag', 'last-modified', 'link', 'location', 'x-ratelimit-limit', 'x-ratelimit-remaining',
      'x-ratelimit-reset', 'x-ratelimit-used', 'x-ratelimit-resource', 'cache-control', 'x-github-media-type']) {
      if (names.includes(name) !== headers.includes(name)) {
        wrong.push(`${what}: github.com ${names.includes(name) ? 'sends' : 'does not send'} ${name}`);
      }
    }
    if (keys) {
      // Recorded by an owner, who is told how branches may be merged; the stand-in's callers own nothing.
      const owners = /^(allow|use|delete|squash|merge)_/;
      const missing = Object.keys(one.response).filter((key) => !keys.includes(key) && !owners.test(key));
      if (missing.length > 0) wrong.push(`${what}: github.com answers ${missing.join(', ')} as well`);
    }
  }
}
