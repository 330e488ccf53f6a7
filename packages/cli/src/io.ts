/** What a command needs of the world outside: where it prints, the clock, facts about the machine. Passed in, so that a test can replace it. */

/** The machine that numbers were measured on. */
export interface MachineFacts {
  /** Model of the first CPU. */
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** `linux x64` */
  readonly platform: string;
  /** `Node 20.20.2` */
  readonly runtime: string;
}

/** The world outside, as a command sees it. */
export interface CliIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** True when stderr is a terminal: progress is drawn only then. */
  readonly isTerminal: boolean;
  /** A clock in milliseconds that never goes back. */
  now(): number;
  /** Date and time, for documents. */
  date(): Date;
  /** The most memory that this process has held so far. */
  peakMemoryBytes(): number;
  machine(): MachineFacts;
  /** Calls the handler when the user asks to stop (Ctrl-C), once; returns what takes it back. A second Ctrl-C ends the process. */
  onInterrupt(handler: () => void): () => void;
}
