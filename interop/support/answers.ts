/** A contact of an answer, as the wire has it. */
export interface AnswerContact {
  readonly uri: string;
  /** Seconds granted, or `null` when the answer does not say. */
  readonly expires: number | null;
}

/** A SIP answer as a client printed or logged it. */
export interface Answer {
  readonly status: number;
  readonly contacts: readonly AnswerContact[];
  /** From the status line to the empty line, lines ended by LF. */
  readonly text: string;
}

/** Every SIP answer in what a client printed, in order. Read without the parser under test. */
export function answersIn(printed: string): Answer[] {
  const text = printed.replaceAll("\r\n", "\n");
  return [...text.matchAll(/^SIP\/2\.0 (\d{3}) [^\n]*\n(?:[^\n]+\n)*/gm)].map(([lines, status]) => ({
    status: Number(status),
    contacts: [...lines.matchAll(/^Contact: <([^>]*)>([^\n]*)/gm)].map(([, uri, params]) => {
      const expires = /;expires=(\d+)/.exec(params ?? "");
      return { uri: uri ?? "", expires: expires === null ? null : Number(expires[1]) };
    }),
    text: lines,
  }));
}
