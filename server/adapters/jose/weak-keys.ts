/** Public keys under which others can sign as well. No issuer publishes one on purpose, and OpenSSL verifies by them all the same. */

/**
 * The y of the Ed25519 points of small order, sign bit cleared, canonical or not. A signature of zeros holds for every message under such
 * a key. See https://eprint.iacr.org/2020/1244.
 */
const SMALL_ORDER_POINTS = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Takes what an issuer published as it came: a member may be anything. */
export function isWeakKey(published: unknown): boolean {
  const { kty, x, n, e } = (published ?? {}) as Record<string, unknown>;
  if (kty === 'OKP') return typeof x === 'string' && isSmallOrderPoint(Buffer.from(x, 'base64url'));
  if (kty !== 'RSA' || typeof n !== 'string' || typeof e !== 'string') return false;
  // What signs with an exponent of 1 is the padded message itself.
  return integer(e) < 3n || isRocaModulus(integer(n));
}

function isSmallOrderPoint(point: Buffer): boolean {
  if (point.length !== 32) return true;
  point[31] = (point[31] ?? 0) & 0x7f;
  return SMALL_ORDER_POINTS.has(point.toString('hex'));
}

const integer = (text: string): bigint =>
  BigInt(`0x${Buffer.from(text, 'base64url').toString('hex') || '0'}`);

const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/**
 * ROCA (CVE-2017-15361): keys of some smart cards and security chips, whose private half can be computed. Modulo every small prime their
 * modulus is a power of 65537, which it is by chance for one key in some hundred million.
 */
const isRocaModulus = (n: bigint): boolean =>
  PRIMES.every((prime) => {
    const rest = Number(n % BigInt(prime));
    let power = 1;
    do {
      if (power === rest) return true;
      power = (power * 65537) % prime;
    } while (power !== 1);
    return false;
  });
