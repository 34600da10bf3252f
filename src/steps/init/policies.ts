import type { Identities } from './identities.ts';

/** A policy text with its `trust` filled in; everything else, comments included, stays as it is. */
export async function withTrust(policy: string, { releaseSubject }: Identities): Promise<string> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(policy);
  document.setIn(
    ['trust', 'signers'],
    [
      document.createNode(
        { name: 'release', ca: './trust/release-ca.pem', subject: releaseSubject },
        { flow: true },
      ),
    ],
  );
  document.setIn(
    ['trust', 'receipts'],
    [document.createNode({ name: 'receipt', certificate: './trust/receipt.pem' }, { flow: true })],
  );
  return document.toString({ lineWidth: 0 });
}
