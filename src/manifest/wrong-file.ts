import { AmlpromoteError } from '../domain/errors.ts';
import { looksLikeReference } from '../domain/reference.ts';

/** The files that people name on the command line; all but keys and certificates say what they are. */
export type FileKind = 'Image' | 'Zones' | 'Policy' | 'Release';

const names: Readonly<Record<FileKind, string>> = {
  Image: 'an image manifest',
  Zones: 'a zones manifest',
  Policy: 'a policy',
  Release: 'a release.json',
};

/** What a file is, and what one does with it, by what was wanted in its place. */
interface Found {
  readonly is: string;
  readonly instead: Readonly<Record<FileKind, string>>;
}

const whereNamed = (flag: string): Found['instead'] => {
  const step = `Name that file with ${flag}`;
  return {
    Image: `${step}, and an image manifest (kind: Image) here.`,
    Release: `${step}, and the release.json that amlpromote release wrote here.`,
    Zones: `${step}, and a zones manifest with --zones.`,
    Policy: `${step}, and a policy with --policy.`,
  };
};

const founds: Readonly<Record<FileKind | 'Pem' | 'Output' | 'Dockerfile', Found>> = {
  Image: {
    is: names.Image,
    instead: {
      ...whereNamed('the command that takes it (build, scan, sign, release, promote)'),
      Image: '',
      Release:
        'Release it first (amlpromote promote IMAGE.yaml --outside --out release.json) and give the release.json; an image without a release is verified by its reference, HOST/REPOSITORY@sha256:… (amlpromote status prints the digest).',
    },
  },
  Release: {
    is: names.Release,
    instead: {
      ...whereNamed('the command that takes it (import, verify, register, run)'),
      Image:
        'What is released goes on with amlpromote promote --inside release.json (or import, register, run); give the image manifest that it was made from, if it is to be made again.',
    },
  },
  Zones: { is: names.Zones, instead: whereNamed('--zones') },
  Policy: { is: names.Policy, instead: whereNamed('--policy') },
  Pem: { is: 'a key or certificate (PEM)', instead: whereNamed('--key or --certificate') },
  Output: {
    is: 'what a command printed with --json',
    instead: {
      ...whereNamed('nothing'),
      Image: 'Give the image manifest itself.',
      Release: 'Give the release.json that --out named, not the output of the command that wrote it.',
    },
  },
  Dockerfile: {
    is: 'a Dockerfile',
    instead: {
      ...whereNamed('source.build of an image manifest'),
      Image: 'Name its folder in an image manifest: source: { build: { context: ./DIR } }.',
    },
  },
};

/** Whether the text says of itself that it is such a file. */
export const isKind = (text: string, kind: FileKind): boolean => recognise(text) === kind;

/** What the text is, where that can be told; nothing of it is repeated, for it may be a key. */
function recognise(text: string): keyof typeof founds | undefined {
  if (/^-----BEGIN /m.test(text)) return 'Pem';
  const json = text.trimStart().startsWith('{') ? parseJson(text) : undefined;
  if (json) {
    const { kind } = json;
    if (typeof kind === 'string' && isFileKind(kind)) return kind;
    // No manifest has these: an error, or the result of a command about an image.
    return 'error' in json || typeof json['image'] === 'object' || 'rules' in json ? 'Output' : undefined;
  }
  const kind = /^kind:[ \t]*["']?(Image|Zones|Policy|Release)\b/m.exec(text)?.[1];
  if (kind !== undefined && isFileKind(kind)) return kind;
  return /^FROM[ \t]+\S/m.test(text) ? 'Dockerfile' : undefined;
}

const isFileKind = (kind: string): kind is FileKind => Object.hasOwn(names, kind);

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

export interface WrongKind {
  readonly message: string;
  readonly nextStep: string;
  /** A manifest of ours, of which a line may be shown; a key may not. */
  readonly isManifest: boolean;
}

/** For a text that is a file of ours, but not the one that was wanted: what it is, and where it belongs. */
export function wrongKind(text: string, wanted: FileKind): WrongKind | undefined {
  const kind = recognise(text);
  if (kind === undefined || kind === wanted) return undefined;
  const { is, instead } = founds[kind];
  const isManifest = isFileKind(kind);
  const said = isManifest ? `kind: expected "${wanted}", got the text "${kind}": ` : '';
  return {
    message: `${said}this is ${is}; ${names[wanted]} is wanted here`,
    nextStep: instead[wanted],
    isManifest,
  };
}

/** For an argument that names no file: what else it may have been meant to be. */
export function notAFile(argument: string, wanted: FileKind): AmlpromoteError | undefined {
  const usage = (what: string, nextStep: string): AmlpromoteError =>
    new AmlpromoteError('USAGE', `${argument.slice(0, 300)}: there is no such file; ${what}`, {
      nextSteps: [nextStep],
    });
  const [, address] = /^https?:\/\/(.+)$/.exec(argument) ?? [];
  if (address !== undefined && looksLikeReference(address))
    return usage('it is an address', `An image is named without its scheme: ${address.slice(0, 300)}.`);
  // A path may look so, too, but hardly one with a tag or digest, which are left as they are.
  const [name = '', ...behind] = argument.split('@');
  const isTagged = behind.length > 0 || name.lastIndexOf(':') > name.lastIndexOf('/');
  if (
    isTagged &&
    !looksLikeReference(argument) &&
    looksLikeReference([name.toLowerCase(), ...behind].join('@'))
  )
    return usage('it looks like an image reference', 'A repository is written in lower case.');
  if (looksLikeReference(argument)) {
    return usage(
      `it is an image reference, and ${names[wanted]} is wanted here`,
      wanted === 'Image'
        ? 'An existing image is named in an image manifest: source: { image: HOST/REPOSITORY@sha256:… }.'
        : 'Give the release.json that amlpromote release wrote; amlpromote verify also takes a reference.',
    );
  }
  const at = argument.lastIndexOf('@');
  const digest = /^sha(?:256|512):(.*)$/s.exec(argument.slice(at + 1))?.[1];
  if (digest !== undefined) {
    if (!/^[0-9a-f]{64}$/.test(digest)) {
      return usage(
        `and its digest has ${String(digest.length)} characters behind the colon, where a whole one has 64 (0-9, a-f)`,
        'Write the digest in full: sha256: and 64 hex digits, as amlpromote status and verify print it.',
      );
    }
    return usage(
      'a digest without its registry and repository says nothing about where the image is',
      'Write HOST/REPOSITORY@sha256:….',
    );
  }
  if (/^[a-z0-9][a-z0-9._/-]*:[\w.-]+$/.test(argument)) {
    return usage(
      'as an image reference it lacks the registry',
      `Give ${names[wanted]}; ${wanted === 'Image' ? 'scan and sign' : 'verify'} can also take a reference with the registry host in full: HOST/REPOSITORY:TAG (there is no default registry).`,
    );
  }
  return undefined;
}
