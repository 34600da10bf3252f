import https from 'node:https';

/**
 * Reads at most `most` bytes from `offset` on. The URL carries its own signature, so no token goes along, and it is never part of a
 * message. undefined when it may not be read; nothing more to read is empty.
 */
export function readRange(
  url: string,
  offset: number,
  most: number,
  options: { readonly agent: https.Agent; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array | undefined> {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'https:') return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const request = https.get(
      parsed,
      {
        agent: options.agent,
        headers: { range: `bytes=${offset}-${offset + most - 1}`, 'x-ms-version': '2021-12-02' },
        timeout: 30_000,
        ...(options.signal ? { signal: options.signal } : {}),
      },
      (response) => {
        const { statusCode } = response;
        // 416: the log ends before `offset`.
        if (statusCode === 416) {
          response.resume();
          resolve(new Uint8Array());
          return;
        }
        if (statusCode !== 206 && statusCode !== 200) {
          response.resume();
          resolve(undefined);
          return;
        }
        const skip = statusCode === 200 ? offset : 0;
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          // A server that ignores the range must not fill the memory.
          if (size > skip + most) request.destroy();
        });
        response.on('close', () => {
          if (response.complete || size > skip + most) {
            resolve(Buffer.concat(chunks).subarray(skip, skip + most));
          } else reject(new Error('the log broke off'));
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}
