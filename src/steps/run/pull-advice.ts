/** What a service or an engine says, and what to do about it; the first that fits counts. */
const causes: readonly (readonly [RegExp, string])[] = [
  [
    /HTTP response to HTTPS client|x509|certificate|tls:|handshake/i,
    'The node and the registry do not agree on TLS: a proxy or firewall between them answers instead, or a certificate is not trusted there. Have the platform team look at the path to the registry.',
  ],
  [
    /manifest unknown|name unknown|not found|NotFound|does not exist|no such manifest|\b404\b/i,
    'The registry does not have this digest any more, or never had it under this name: import the release again, then run once more.',
  ],
  [
    /unauthorized|authentication required|denied|forbidden|AcrPull|\b40[13]\b/i,
    'Give the identity of the compute the role AcrPull on the sensitive registry (or its repository-scoped twin), and use the registry that is attached to the workspace.',
  ],
  [
    /no such host|dial tcp|lookup|i\/o timeout|timed? ?out|connection (?:refused|reset)|unreachable/i,
    'Give the compute a private endpoint to the sensitive registry, with its DNS name: the node did not reach it.',
  ],
  [
    /no space left|disk quota/i,
    'The disk of the node is full: use a compute with a larger one, or a smaller image.',
  ],
];

/** What to do when the compute could not pull an image, by the reason that it gives. */
export function pullAdvice(reason: string): readonly string[] {
  const known = causes.find(([pattern]) => pattern.test(reason))?.[1];
  return known === undefined
    ? [
        'Look at the reason that the compute gives; most often its identity lacks AcrPull on the sensitive registry, or it has no private endpoint to it.',
      ]
    : [known];
}
