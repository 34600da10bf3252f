import type { ErrorCode } from '../../domain/errors.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { safeText } from '../../network/foreign-text.ts';
import { diskFull, isDiskFull } from './errors.ts';

/**
 * What the engine says when a build ended because something around it is missing, not because the Dockerfile is wrong: that is
 * "could not check" (20), and running again may help. Words of Docker's classic builder, BuildKit and Podman; they all go through
 * Go's net/http. Looked for in the engine's own reason only, never in the output of a step.
 */
interface Trouble {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly said: string;
  readonly nextSteps: readonly string[];
}

export const troubles: readonly Trouble[] = [
  {
    words: /toomanyrequests|429 Too Many Requests|rate limit/i,
    code: 'THROTTLED',
    said: 'a registry throttles the engine',
    nextSteps: [
      'Wait and run again, log the engine in (docker login), or pull what the build needs beforehand.',
    ],
  },
  {
    words:
      /fail(?:ed|ure)? to (?:set ?up|create|attach|add).{0,60}\b(?:network(?:ing)?|endpoint|sandbox|veth|interface)|network (?:bridge|sandbox)\b.{0,80}(?:not found|fail|error)|error (?:creating|setting up|initializing).{0,40}network|(?:iptables|nftables|netavark|slirp4netns|pasta|aardvark-dns)\b.{0,200}(?:fail|error|no such|not found|exit)|non-overlapping IPv4 address pool|setting up (?:pasta|slirp4netns)|CNI plugin/i,
    code: 'SERVICE_FAILED',
    said: 'the network of the engine does not work',
    nextSteps: [
      'Repair it, then run the same command again: restart the engine, look at its log (journalctl -u docker) and at iptables and kernel modules (bridge, veth).',
      'Where there is no network at all, start the engine with its bridge off (dockerd --bridge=none): builds then run without one.',
    ],
  },
  {
    words:
      /no such host|server misbehaving|dial tcp|dial udp|i\/o timeout|TLS handshake timeout|Client\.Timeout|context deadline exceeded|connection (?:refused|reset|timed out)|network is unreachable|no route to host|proxyconnect|x509:|tls: |server gave HTTP response to HTTPS client|unexpected EOF|: EOF$|temporary failure in name resolution|could not resolve host|\b50[0234] (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)/i,
    code: 'UNREACHABLE',
    said: 'the engine cannot reach what the build needs (a base image, the frontend of a "# syntax=" line, a URL)',
    nextSteps: [
      'Give the engine access to the host in the message (DNS, proxy, certificates are those of the engine), or load the image first (docker load, docker pull); then run the same command again.',
      'A "# syntax=" line makes the engine fetch its frontend: without access, remove the line.',
    ],
  },
];

/** A step's program ended by itself: its words, also when quoted, are the build's own. */
const isStep = (reason: string): boolean =>
  /returned a non-zero code: \d+|did not complete successfully: exit code: \d+|while running runtime: exit status \d+/i.test(
    reason,
  );

/** undefined when the build itself failed. */
export function buildTrouble(reason: string, address: string): AmlpromoteError | undefined {
  const said = reason.slice(-64 * 1024);
  if (isStep(said)) return undefined;
  if (isDiskFull(said)) return diskFull(address);
  const trouble = troubles.find(({ words }) => words.test(said));
  return (
    trouble &&
    new AmlpromoteError(trouble.code, `the build stopped: ${trouble.said}: ${safeText(said, 1000)}`, {
      nextSteps: trouble.nextSteps,
    })
  );
}
