/** The list of sessions, our own and those of Gateways, with 1,000,000 of them: what each filter costs over HTTP and as bare SQL. */
import pg from 'pg';
import { freePort, signIn, startControl, temporaryFolder } from '../e2e/control-process.ts';
import { httpClient, openBenchDatabase, printTable, quantile } from './bench-tools.ts';

const SESSIONS = 1_000_000;
/** One in ten is an operator's. */
const OWN = SESSIONS / 10;
const USERS = 1_000;
const TENANTS = 2_000;
const ROUNDS = 100;

const AGENTS = `(array['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0', 'curl/8.1'])`;
const SEED = [
  `insert into users (email, display_name, status) select 'user-' || n || '@bench.example', 'User ' || n, 'active' from generate_series(1, ${USERS}) n`,
  `insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, created_at, last_seen_at, expires_at, ended_at, ended_reason)
    select sha256(n::text::bytea), u.user_id, '10.' || n % 200 || '.' || n % 251 || '.' || n % 254 + 1, ${AGENTS}[n % 3 + 1], at, at, at + interval '1 minute',
      at + interval '12 hours', case when n % 50 = 0 then at + interval '2 minutes' end, case when n % 50 = 0 then 'Signed out' end
    from generate_series(1, ${OWN}) n
      join (select user_id, row_number() over () as number from users where email like '%@bench.example') u on u.number = n % ${USERS} + 1,
      lateral (select now() - n * interval '13 seconds' as at) times`,
  `insert into gateway_sessions (environment, gateway_session_id, family_id, tenant_id, end_user_id, ip, user_agent, created_at, last_seen_at, expires_at, ended_at, ended_reason)
    select (array['dev','staging','prod'])[n % 3 + 1], 'bench-' || n, 'family-' || n, 'tenant-' || n % ${TENANTS}, 'person-' || n % 90000,
      '10.' || n % 211 || '.' || n % 241 || '.' || n % 251 + 1, ${AGENTS}[n % 3 + 1], at, at + interval '10 minutes', at + interval '7 days',
      case when n % 100 = 0 then at + interval '1 hour' end, case when n % 100 = 0 then 'Signed out' end
    from generate_series(1, ${SESSIONS - OWN}) n, lateral (select now() - n * interval '700 milliseconds' as at) times`,
  'analyze',
];

const FILTERS: readonly [what: string, query: string, bare: string][] = [
  ['nothing', '', 'true'],
  ['tenant', 'tenant_id=tenant-42', `tenant_id = 'tenant-42'`],
  ['end user', 'end_user_id=person-4242', `end_user_id = 'person-4242'`],
  ['environment', 'environment=prod', `environment = 'prod'`],
  ['address', 'ip=10.42.42.43', `address = '10.42.42.43'`],
  ['network /24', 'ip=10.42.42.0/24', `address between '10.42.42.0/24' and '10.42.42.255'`],
  ['network /8', 'ip=10.0.0.0/8', `address between '10.0.0.0/8' and '10.255.255.255'`],
  ['system', 'device_system=Linux', `device_system = 'Linux'`],
  ['ended', 'state=revoked', 'ended_at is not null'],
  ['active', 'state=active', 'ended_at is null and expires_at > now()'],
  [
    'tenant, system and network',
    'tenant_id=tenant-42&device_system=Windows&ip=10.0.0.0/9',
    `tenant_id = 'tenant-42' and device_system = 'Windows' and address between '10.0.0.0/9' and '10.127.255.255'`,
  ],
  ['start of an id', 'q=person-424', `end_user_id >= 'person-424' and end_user_id < 'person-425'`],
  ['nobody', 'end_user_id=nobody', `end_user_id = 'nobody'`],
];
const bareList = (condition: string) =>
  `select session_id, environment, gateway_session_id, family_id, tenant_id, end_user_id, ip, user_agent, created_at, last_seen_at, expires_at, ended_at, ended_reason
    from gateway_sessions where ${condition} order by last_seen_at desc, session_id desc limit 51`;

const [{ folder, remove }, postgres, port] = [
  await temporaryFolder(),
  await openBenchDatabase(),
  await freePort(),
];
const control = await startControl({
  args: ['--tenants', '10'],
  dataDir: folder,
  port,
  env: { CONTROL_DATABASE_URL: postgres.url },
});
const pool = new pg.Pool({ connectionString: postgres.url, max: 1 });
// The server's own index has to be whole first: filling it would end the sessions that it does not find at the gateways.
while ((await pool.query(`select from gateway_session_watch where state = 'live'`)).rowCount !== 3)
  await new Promise((resolve) => setTimeout(resolve, 100));
for (const statement of SEED) {
  const began = performance.now();
  await pool.query(statement);
  process.stderr.write(`${statement.slice(0, 40)}… ${Math.round(performance.now() - began)} ms\n`);
}

const { cookie } = await signIn(control.url);
const call = httpClient(control.url, 1);
const rows: string[][] = [];
for (const [what, query, condition] of FILTERS) {
  const [http, bare]: [number[], number[]] = [[], []];
  for (let round = -5; round < ROUNDS; round += 1) {
    // In turns, so that both see the same machine.
    const began = performance.now();
    await pool.query(bareList(condition));
    const between = performance.now();
    await call('GET', `/admin/v1/iam/sessions?sort=-last_seen_at&limit=50&${query}`, { cookie });
    if (round < 0) continue;
    bare.push(between - began);
    http.push(performance.now() - between);
  }
  const [ours, theirs] = [quantile(http, 0.95), quantile(bare, 0.95)];
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  rows.push([what, ms(quantile(http, 0.5)), ms(ours), ms(theirs), `${ms(ours - theirs)} (≤ 50 ms)`]);
}
await pool.end();
await control.stop();
await postgres.stop();
await remove();
printTable(['filter, 50 of 1,000,000', 'p50 HTTP', 'p95 HTTP', 'p95 bare', 'p95 over bare'], rows);
