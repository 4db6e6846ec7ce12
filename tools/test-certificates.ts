import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = (folder: string, ...args: string[][]) =>
  promisify(execFile)('openssl', args.flat(), { cwd: folder });

/** Makes an authority and certificates signed by it, for localhost and for a client, in the folder; all end after a day. */
export async function makeTestCertificates(folder: string) {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    folder,
    ['req', '-x509', ...key, '-days', '1', '-subj', '/CN=test authority'],
    ['-keyout', 'ca-key.pem', '-out', 'ca.pem'],
  );
  await writeFile(join(folder, 'names.cnf'), 'subjectAltName = DNS:localhost\n');
  for (const name of ['server', 'client']) {
    const request = ['-keyout', `${name}-key.pem`, '-out', `${name}.csr`];
    await openssl(folder, ['req', ...key, '-subj', `/CN=${name}`], request);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '1'];
    await openssl(
      folder,
      ['x509', '-req', '-in', `${name}.csr`, ...signing],
      ['-extfile', 'names.cnf', '-out', `${name}.pem`],
    );
  }
  const file = (name: string) => join(folder, name);
  return {
    ca_file: file('ca.pem'),
    server: { cert_file: file('server.pem'), key_file: file('server-key.pem') },
    client: { cert_file: file('client.pem'), key_file: file('client-key.pem') },
  };
}
