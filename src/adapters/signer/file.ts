import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { AmlpromoteError } from '../../domain/errors.ts';
import { algorithmOf } from '../../evidence/algorithm.ts';
import { readCertificatesPem } from '../../evidence/certificate.ts';
import { readInput, whyUnreadable } from '../../files/read-input.ts';
import type { Signer } from '../../ports/signer.ts';

export interface FileSignerOptions {
  /** PEM, PKCS#8 or SEC 1, not encrypted, EC P-256; readable by its owner only. */
  readonly keyFile: string;
  /** PEM, leaf first, root last. */
  readonly certificateFile: string;
}

/** Key and certificate files are small; a larger one is something else. */
const maxFileBytes = 64 * 1024;

/**
 * A signer whose key lies in a file, as `amlpromote init` makes it.
 * @throws KEY_MISSING when a file is not there, not readable, not private enough, not a P-256 key, or key and certificate
 * do not belong together
 */
export async function openFileSigner(options: FileSignerOptions): Promise<Signer> {
  const key = readKey(await read(options.keyFile, 'key', isPrivate), options.keyFile);
  const pem = await read(options.certificateFile, 'certificate', () => true);
  const chain = await readCertificatesPem(pem, options.certificateFile).catch((cause: unknown) => {
    throw missing(`certificate ${options.certificateFile}: holds no readable PEM certificate`, cause);
  });
  if (!chain[0].publicKey.equals(createPublicKey(key))) {
    throw missing(
      `key ${options.keyFile} and certificate ${options.certificateFile} do not belong together`,
      undefined,
      ['Give the certificate that was made with this key, the leaf first in its file.'],
    );
  }
  return {
    certificates: chain.map((certificate) => certificate.der),
    sign: (data) =>
      new Promise((resolve, reject) => {
        sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, (error, signature) => {
          if (error) reject(error);
          else resolve(signature);
        });
      }),
  };
}

/** Windows has no such bits. */
const isPrivate = (mode: number): boolean => process.platform === 'win32' || (mode & 0o077) === 0;

async function read(
  path: string,
  what: 'key' | 'certificate',
  allows: (mode: number) => boolean,
): Promise<string> {
  const unreadable = (cause: unknown): never => {
    throw missing(`${what} ${path}: ${whyUnreadable(cause)}`, cause);
  };
  const { mode } = await stat(path).catch(unreadable);
  const text = (await readInput(path, maxFileBytes).catch(unreadable)).toString('utf8');
  refuseOther(text, what, path);
  // What is no key at all is told so, not told to be made private.
  if (!allows(mode) && holdsKey(text)) {
    throw missing(`${what} ${path} can be read by others than its owner`, undefined, [
      `Make it private: chmod 600 ${path}`,
    ]);
  }
  return text;
}

const holdsKey = (pem: string): boolean => /^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(pem);
const holdsCertificate = (pem: string): boolean => /^-----BEGIN CERTIFICATE-----/m.test(pem);

/** The one in place of the other: a certificate must not be told to be made private. */
function refuseOther(pem: string, what: 'key' | 'certificate', path: string): void {
  const isOther =
    what === 'key' ? holdsCertificate(pem) && !holdsKey(pem) : holdsKey(pem) && !holdsCertificate(pem);
  if (!isOther) return;
  const found = what === 'key' ? 'a certificate, not a private key' : 'a private key, not a certificate';
  throw missing(`${what} ${path}: this is ${found}`, undefined, [
    'Name the key with --key and its certificate chain with --certificate.',
  ]);
}

function readKey(pem: string, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw missing(`key ${path}: not an unencrypted PEM private key`, cause);
  }
  if (algorithmOf(key)?.jws !== 'ES256')
    throw missing(`key ${path}: not an EC P-256 key, the only kind used here`);
  return key;
}

function missing(
  message: string,
  cause?: unknown,
  nextSteps: readonly string[] = [
    'Run `amlpromote init` to make a key and its certificates, or name yours with --key and --certificate.',
  ],
): AmlpromoteError {
  return new AmlpromoteError('KEY_MISSING', message, {
    nextSteps,
    ...(cause === undefined ? {} : { cause }),
  });
}
