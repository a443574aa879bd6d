// talk.mjs PROGRAM DIR: the client of the protocol's own package talks to `debrief mcp`, in each of its two manners. It
// checks every message against the protocol's schemas. Prints one line per manner: the version, the tools, and what
// came of a few calls. MODULES says where the package is.
import { createRequire } from 'node:module';
const require = createRequire(process.env.MODULES + '/');
const { Client } = require('@modelcontextprotocol/client');
const { StdioClientTransport } = require('@modelcontextprotocol/client/stdio');

const [program, dir] = process.argv.slice(2);

const text = (result) => JSON.parse(result.content[0].text);

for (const mode of ['legacy', 'auto']) {
  const client = new Client({ name: 'talk', version: '1' }, { versionNegotiation: { mode } });
  const wrong = [];
  client.onerror = (error) => wrong.push(error.message);
  await client.connect(new StdioClientTransport({ command: program, args: ['-d', dir, 'mcp'] }));
  const { tools } = await client.listTools();
  const stored = await client.callTool({ name: 'record', arguments: { session: mode, skill: 'fix', attempts: [] } });
  const read = await client.callTool({ name: 'read', arguments: { sessions: [mode], fields: 'session,skill' } });
  const table = await client.callTool({ name: 'table', arguments: { by: 'skill', show: 'runs' } });
  const refused = await client.callTool({ name: 'read', arguments: { sessions: ['/etc/passwd'] } });
  let unknown;
  try { await client.callTool({ name: 'none' }); } catch (error) { unknown = error.code; }
  const stop = new AbortController();
  const slow = client.callTool({ name: 'table', arguments: { by: 'skill', where: 'skill == nil' } },
    { signal: stop.signal }).then(() => 'answered', () => 'cancelled');
  stop.abort();
  console.log([mode, client.getNegotiatedProtocolVersion(), tools.map((one) => one.name).join(), text(stored).line,
    text(read)[0].skill, text(table).reports[0].plugin, refused.isError, unknown, await slow,
    (await client.listTools()).tools.length, wrong.length].join(' '));
  await client.close();
}
