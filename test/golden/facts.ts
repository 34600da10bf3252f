import { parseDigest } from '../../src/domain/digest.ts';
import type { Digest } from '../../src/domain/digest.ts';

/** The releases by the names of their release.json. */
export type GoldenName =
  | 'churn-train-1.4.0'
  | 'churn-train-1.4.1'
  | 'churn-train-1.5.0'
  | 'churn-score-1.0.0-first'
  | 'churn-score-1.0.0';

export interface GoldenRelease {
  /** Image manifest that it was made from. */
  readonly manifest: string;
  readonly repository: string;
  readonly version: string;
  readonly counter: number;
  readonly index: Digest;
  readonly image: Digest;
  /** sha256 hex; undefined where an existing image was taken over. */
  readonly buildKey: string | undefined;
  /** Of the artifact that crosses, and of the JSON in it. */
  readonly carriedManifest: Digest;
  readonly carriedJson: Digest;
}

/**
 * What version 0.1.0 made, written down: these values are the promise that a manifest without new keys gives the same build
 * key, the same carried JSON and the same release for ever.
 */
export const goldenReleases: Readonly<Record<GoldenName, GoldenRelease>> = {
  'churn-score-1.0.0-first': {
    manifest: 'churn-score',
    repository: 'ml/churn-score',
    version: '1.0.0',
    counter: 1,
    index: parseDigest('sha256:9644c1adac5cd50d65a6667c4225d6d767063cc5931a9edd981efb9c0684ea89'),
    image: parseDigest('sha256:5d12421c32797daa938497587c7bb85fb344c3e73cf02b520457fa3271e21615'),
    buildKey: undefined,
    carriedManifest: parseDigest('sha256:524bbc846c15c32549bc65bd20393b2437050610965276b1e331987f0c4e3e13'),
    carriedJson: parseDigest('sha256:c7477f21e2c9554148401b6f3c0d4aef60806a32d4a5a499baba8418c5a6da9d'),
  },
  'churn-score-1.0.0': {
    manifest: 'churn-score',
    repository: 'ml/churn-score',
    version: '1.0.0',
    counter: 1,
    index: parseDigest('sha256:b11eb3673ed3284d807c23d335f77653d4a93ea20c094e8b0996025ff50fdc86'),
    image: parseDigest('sha256:5d12421c32797daa938497587c7bb85fb344c3e73cf02b520457fa3271e21615'),
    buildKey: undefined,
    carriedManifest: parseDigest('sha256:524bbc846c15c32549bc65bd20393b2437050610965276b1e331987f0c4e3e13'),
    carriedJson: parseDigest('sha256:c7477f21e2c9554148401b6f3c0d4aef60806a32d4a5a499baba8418c5a6da9d'),
  },
  'churn-train-1.4.0': {
    manifest: 'churn-train-1.4.0',
    repository: 'ml/churn-train',
    version: '1.4.0',
    counter: 1,
    index: parseDigest('sha256:62bf32c691795a762bb066e55a07ae1c809a102aba18ca6738f051c2e66b6d93'),
    image: parseDigest('sha256:41aa286d3bb5d081f9a052058688ae0bf7ea01d345bb4c34619c6aed880b7720'),
    buildKey: 'b19c6a9877d5c742643b9f5a1426bbe1328a622e75abb269838f12a3ebbdef79',
    carriedManifest: parseDigest('sha256:feef1627b945996288966c9cb147c7dbd22e24a4d5d6915875a31ce979f94e1e'),
    carriedJson: parseDigest('sha256:7a25b429ac93f3f459416c98a888e9ccdba897becd2552daf6718447cc943c64'),
  },
  'churn-train-1.4.1': {
    manifest: 'churn-train-1.4.1',
    repository: 'ml/churn-train',
    version: '1.4.1',
    counter: 2,
    index: parseDigest('sha256:3e1ef2e44f4628d0b3380dcfea9dfa4a7965709e5c445a23a39d787401a9f0ea'),
    image: parseDigest('sha256:5eac2ce35a10023d4c03c437c2753ea8191d81aac2262ac3fd1962a24961581d'),
    buildKey: '625cda069b11404e83ed15f8b1172a90717f80f6207a054ff96a9a95c0d93d66',
    carriedManifest: parseDigest('sha256:5457f79ad038deba43920abc6856799661be3e78be32338d0001f85b4429c858'),
    carriedJson: parseDigest('sha256:29a9e637bd3da6cf2d55d6686a5697737bb6c62bae95e4d46d40c6594022ae0d'),
  },
  'churn-train-1.5.0': {
    manifest: 'churn-train-1.5.0',
    repository: 'ml/churn-train',
    version: '1.5.0',
    counter: 3,
    index: parseDigest('sha256:9617e991ab3ff928f73a7e87a73d37125a037c45ed3734219026b7179c6c60dd'),
    image: parseDigest('sha256:abee4ee0577a29a7eb6ebedbb9367a94626b99b0bc15c322d825919f4312ff10'),
    buildKey: '4ca4abfd95cff3abd92fc28e247630f4426d191447353e6b9a32f0724b677ee6',
    carriedManifest: parseDigest('sha256:358e9fc704aedfb800f8be40e6e6d4d64a4bf2d9d9c8b18fa0e1da12bbbd5488'),
    carriedJson: parseDigest('sha256:528242d3aae6b06a258d5fcb5e56346134990491f9dcda054304316b2e158e2d'),
  },
};

/** Of the two policies, certificates by content. New optional sections enter the digest only where a file has them. */
export const policyDigests: Readonly<Record<'outside' | 'inside', Digest>> = {
  outside: parseDigest('sha256:0b25646e4157cf6c273197778a6f5eaf872f36ebcbf050664d65c831f1e73930'),
  inside: parseDigest('sha256:2538168a56ca848fc52d2b6500c876184a368fc56cfcba2bd42c5915ae2c859b'),
};

export interface GoldenReceipt {
  readonly digest: Digest;
  /** The release that it admits. */
  readonly about: GoldenName;
  /** The highest counter until then. */
  readonly highest: number;
}

/** What the tag `receipts` of each repository lists, oldest first. */
export const goldenReceipts: Readonly<Record<'ml/churn-train' | 'ml/churn-score', readonly GoldenReceipt[]>> =
  {
    'ml/churn-train': [
      {
        digest: parseDigest('sha256:39a45ba5a244a81d139ca547dc742bc1625817f8f4ededd24697a98e6a519004'),
        about: 'churn-train-1.4.0',
        highest: 1,
      },
      {
        digest: parseDigest('sha256:f8dd3442df148e5a4a28559316596f8ae0ac3fe417dd909bd3cb0a44f358ae49'),
        about: 'churn-train-1.5.0',
        highest: 3,
      },
    ],
    'ml/churn-score': [
      {
        digest: parseDigest('sha256:08aaae6c367971f568f0a6e8058daf0b4e77eb81176f6919495e7c53a2fe7f8d'),
        about: 'churn-score-1.0.0-first',
        highest: 1,
      },
      {
        digest: parseDigest('sha256:df346698a73aa75cf89d415597fe6c64de084bc0ad13eeebe9c30a0b37bf2e76'),
        about: 'churn-score-1.0.0',
        highest: 1,
      },
    ],
  };
