/** For tests: tokens that must not be accepted, by the trick that each of them tries on an issuer that signs by ES256. */
import { createHmac, createSign } from 'node:crypto';
import { calculateJwkThumbprint, exportSPKI, importJWK } from 'jose';
import { makeKey, type TestTokenIssuer } from './test-token-issuer.ts';

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Each with its name; a name that says "expired" is the only one whose bearer is told why. */
export async function hostileTokens(issuer: TestTokenIssuer): Promise<Map<string, string>> {
  const { sign, claims, key } = issuer;
  const now = Math.floor(Date.now() / 1000);
  const [header = '', payload = '', signature = ''] = (await sign()).split('.');
  const head = { alg: 'ES256', kid: key().kid, typ: 'at+jwt' };
  const unsigned = (changed: object, claimed: object = claims()) =>
    `${part({ ...head, ...changed })}.${part(claimed)}`;
  const hmac = (secret: string | Buffer, alg = 'HS256') => {
    const text = unsigned({ alg });
    return `${text}.${createHmac(`sha${alg.slice(2)}`, secret)
      .update(text)
      .digest('base64url')}`;
  };
  const stranger = await makeKey('ES256', key().kid);
  const rsa = await makeKey('RS256', key().kid);
  const byStranger = (changed: Record<string, unknown>) => sign({}, changed, stranger);
  const pem = await exportSPKI((await importJWK(key().public, 'ES256', { extractable: true })) as never);
  const half = signature.slice(0, 43);
  const tokens: [string, string][] = [];
  const add = (name: string, token: string) => void tokens.push([name, token]);

  for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
    add(`alg ${alg || 'empty'} without a signature`, `${unsigned({ alg })}.`);
    add(`alg ${alg || 'empty'} with somebody's signature`, `${unsigned({ alg })}.${signature}`);
  }
  add('no alg at all', `${part({ kid: head.kid, typ: head.typ })}.${payload}.${signature}`);
  add('an alg that is no text', `${unsigned({ alg: ['ES256'] })}.${signature}`);

  for (const alg of ['HS256', 'HS384', 'HS512']) add(`${alg} with the public key as PEM`, hmac(pem, alg));
  add('HS256 with the public key as PEM without its last line break', hmac(pem.trim()));
  add('HS256 with the public key as JWK', hmac(JSON.stringify(key().public)));
  add('HS256 with the x of the public key', hmac(Buffer.from(key().public.x ?? '', 'base64url')));
  add('HS256 with an empty secret', hmac(''));
  add('HS256 with the id of the key', hmac(head.kid));
  add('RS256 with a key of the attacker', await sign({}, {}, rsa));
  add(
    'PS256 said of an RS256 signature',
    await sign({}, { alg: 'RS256' }, rsa).then((t) => t.replace(/^[^.]+/, part({ ...head, alg: 'PS256' }))),
  );
  add('ES384 said of an ES256 signature', `${unsigned({ alg: 'ES384' })}.${signature}`);
  add('ES256K said of an ES256 signature', `${unsigned({ alg: 'ES256K' })}.${signature}`);
  add('EdDSA said of an ES256 signature', `${unsigned({ alg: 'EdDSA' })}.${signature}`);

  add('a key of the attacker under the known id', await byStranger({}));
  add('its own key in jwk', await byStranger({ jwk: stranger.public }));
  add(
    'its own key in jwk, by thumbprint',
    await byStranger({ jwk: stranger.public, kid: await calculateJwkThumbprint(stranger.public) }),
  );
  add('an address of keys in jku', await byStranger({ jku: 'https://attacker.example/jwks.json' }));
  add('an address of a certificate in x5u', await byStranger({ x5u: 'https://attacker.example/cert.pem' }));
  add('a certificate in x5c', await byStranger({ x5c: ['MIIB'] }));
  add('a genuine signature beside a jwk', await sign({}, { jwk: stranger.public }));
  add('a genuine signature beside a jku', await sign({}, { jku: issuer.jwks_url }));

  for (const kid of [
    '../../../../dev/null',
    '/dev/null',
    "x' union select 'key' --",
    '| cat /etc/passwd',
    'http://169.254.169.254/latest/meta-data',
    '__proto__',
    'constructor',
    'k\u0000first',
    'x'.repeat(2000),
  ])
    add(`the key id ${kid.slice(0, 40)}`, await byStranger({ kid }));
  add('no key id', await sign({}, { kid: undefined }));
  add('an empty key id', await byStranger({ kid: '' }));
  add('a key id that is a list', `${unsigned({ kid: [head.kid] })}.${signature}`);

  add('an unknown crit', `${unsigned({ crit: ['exp'] })}.${signature}`);
  add('an empty crit', `${unsigned({ crit: [] })}.${signature}`);
  add('b64 false', `${unsigned({ crit: ['b64'], b64: false })}.${signature}`);
  add('b64 false without crit', `${unsigned({ b64: false })}.${signature}`);
  add('a compressed payload', `${unsigned({ zip: 'DEF' })}.${signature}`);

  add(
    'alg twice, none last',
    `${part(`{"alg":"ES256","kid":"${head.kid}","typ":"at+jwt","alg":"none"}`)}.${payload}.`,
  );
  add(
    'alg twice, none first',
    `${part(`{"alg":"none","kid":"${head.kid}","typ":"at+jwt","alg":"ES256"}`)}.${payload}.${signature}`,
  );
  add(
    'sub twice',
    `${header}.${part(JSON.stringify(claims()).replace('}', ',"sub":"owner"}'))}.${signature}`,
  );

  add('a payload of somebody else', `${header}.${part(claims({ sub: 'owner' }))}.${signature}`);
  add('a signature of zeros', `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`);
  add(
    'a signature of r = 0',
    `${header}.${payload}.${Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 1)]).toString('base64url')}`,
  );
  add(
    'a signature of r = s = the order of the curve',
    `${header}.${payload}.${Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex').toString('base64url')}`,
  );
  add('a signature of ones', `${header}.${payload}.${Buffer.alloc(64, 255).toString('base64url')}`);
  add('half a signature', `${header}.${payload}.${half}`);
  add('a signature twice', `${header}.${payload}.${signature}${signature}`);
  add('no signature', `${header}.${payload}.`);
  const text = `${header}.${payload}`;
  const der = createSign('sha256')
    .update(text)
    .sign({ key: await pkcs8(stranger.private) });
  add('a signature in DER', `${text}.${der.toString('base64url')}`);

  add('padding in base64', `${header}=.${payload}.${signature}`);
  add('base64 with plus and slash', `${header}.${payload}.${'+/'.repeat(43)}`);
  add('blanks between the parts', `${header} .${payload}.${signature}`);
  add('an empty header', `.${payload}.${signature}`);
  add('an empty payload', `${header}..${signature}`);
  add('a header that is no JSON', `${part('{alg')}.${payload}.${signature}`);
  add('a header that is a list', `${part('[]')}.${payload}.${signature}`);
  add('a header that is null', `${part('null')}.${payload}.${signature}`);
  add('a payload that is a list', `${header}.${part('[]')}.${signature}`);
  add('a token in a token', await sign({ iss: await sign() }));
  add('a nested token', `${part({ ...head, cty: 'JWT' })}.${part(await sign())}.${signature}`);
  add('a token of 12 KB', await sign({ padding: 'x'.repeat(9000) }));

  for (const typ of ['JWT', 'id+jwt', 'dpop+jwt', 'logout+jwt', 'application/jwt', '', undefined])
    add(`typ ${typ ?? 'missing'}`, await sign({}, { typ }));

  const iss = issuer.issuer;
  add('iss with a slash at its end', await sign({ iss: `${iss}/` }));
  add('iss in upper case', await sign({ iss: iss.toUpperCase() }));
  add('iss of somebody else', await sign({ iss: 'https://attacker.example' }));
  add('iss as a list', await sign({ iss: [iss] }));
  add('no iss', await sign({ iss: undefined }));
  add('another audience', await sign({ aud: 'https://elsewhere.example.com' }));
  add(
    'an audience that begins like ours',
    await sign({ aud: 'https://control.example.com.attacker.example' }),
  );
  add('other audiences', await sign({ aud: ['a', 'b'] }));
  add('an empty list of audiences', await sign({ aud: [] }));
  add('a list in a list of audiences', await sign({ aud: [['https://control.example.com']] }));
  add('no audience', await sign({ aud: undefined }));

  add('expired', await sign({ iat: now - 600, exp: now - 60 }));
  add('no exp', await sign({ exp: undefined }));
  add('exp as text', await sign({ exp: String(now + 300) }));
  add(
    'exp beyond all numbers',
    await rawClaims(`${JSON.stringify(claims({ exp: undefined })).slice(0, -1)},"exp":1e400}`),
  );
  add('exp null', await sign({ exp: null }));
  add('nbf to come', await sign({ nbf: now + 3600 }));
  add('nbf far to come', await sign({ nbf: 99_999_999_999 }));
  add('nbf as text', await sign({ nbf: 'tomorrow' }));
  add('iat to come', await sign({ iat: now + 3600 }));
  add('iat far to come', await sign({ iat: 99_999_999_999, exp: 99_999_999_999 }));
  add('no iat', await sign({ iat: undefined }));
  add(
    'issued two days ago and valid for years',
    await sign({ iat: now - 2 * 86_400, exp: now + 86_400 * 999 }),
  );
  add('no sub', await sign({ sub: undefined }));
  add('an empty sub', await sign({ sub: '' }));
  add('sub as an object', await sign({ sub: { $ne: null } }));
  add('a NUL in sub', await sign({ sub: 'person-1\u0000' }));
  add('a sub of 1,000 characters', await sign({ sub: 'x'.repeat(1000) }));
  add('no sid', await sign({ sid: undefined }));
  add('sid as a number', await sign({ sid: 7 }));
  add('auth_time to come', await sign({ auth_time: now + 86_400 }));
  add('auth_time as text', await sign({ auth_time: 'now' }));
  return new Map(tokens);

  async function rawClaims(json: string): Promise<string> {
    const signed = `${part(head)}.${part(json)}`;
    const sign256 = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      key().private,
      Buffer.from(signed),
    );
    return `${signed}.${Buffer.from(sign256).toString('base64url')}`;
  }
}

const pkcs8 = async (key: CryptoKey): Promise<string> => {
  const bytes = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  return `-----BEGIN PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END PRIVATE KEY-----`;
};
