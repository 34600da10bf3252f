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
  if (!allows(mode)) {
    throw missing(`${what} ${path} can be read by others than its owner`, undefined, [
      `Make it private: chmod 600 ${path}`,
    ]);
  }
  return (await readInput(path, maxFileBytes).catch(unreadable)).toString('utf8');
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
