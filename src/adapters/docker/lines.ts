/** Reads lines out of pieces of text. The cost is linear, and of a line that does not end only its beginning is kept. */
export interface LineReader {
  write(text: string): void;
  /** Tells the last line, if it did not end. */
  end(): void;
}

/**
 * @param most characters that are kept of a line
 * @param onLine gets `cut` when the line was longer than that
 */
export function lineReader(most: number, onLine: (line: string, cut: boolean) => void): LineReader {
  let kept: string[] = [];
  let length = 0;
  let cut = false;
  const add = (piece: string): void => {
    const room = most - length;
    if (piece.length > room) cut = true;
    if (room <= 0 || piece === '') return;
    kept.push(piece.slice(0, room));
    length += Math.min(piece.length, room);
  };
  const tell = (): void => {
    const line = kept.join('');
    const wasCut = cut;
    kept = [];
    length = 0;
    cut = false;
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line, wasCut);
  };
  return {
    write(text) {
      let from = 0;
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
        add(text.slice(from, at));
        tell();
        from = at + 1;
      }
      add(text.slice(from));
    },
    end() {
      if (length > 0) tell();
    },
  };
}

/** Of the output of a build: nobody reads more of one line. */
const mostOfLog = 8 * 1024;

export const logReader = (onLog: (line: string) => void): LineReader =>
  lineReader(mostOfLog, (line, cut) => onLog(cut ? `${line}… (the line goes on)` : line));
