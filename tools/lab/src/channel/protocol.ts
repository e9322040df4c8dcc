/**
 * What the driver and the agent in the guest say to each other: a line of JSON for each request (driver → agent),
 * answer and event (agent → driver).
 */

/** Things that the guest prints line by line while it runs. */
export type StreamName = 'log' | 'trace' | 'uevent';

/** What the agent does when it is asked: parameters and result by name. */
export interface AgentMethods {
  /** Runs a program of the guest to its end. */
  exec: {
    params: { readonly argv: readonly string[]; readonly input?: string };
    result: { readonly status: number | null; readonly stdout: string; readonly stderr: string };
  };
  /** A file's bytes, in base64. */
  read: { params: { readonly path: string }; result: string };
  /** Writes text to a file that exists, in one write, as sysfs wants it. */
  write: { params: { readonly path: string; readonly text: string; readonly append?: boolean }; result: null };
  list: { params: { readonly path: string }; result: readonly string[] };
  /** Where a symbolic link points to; null when there is none. */
  link: { params: { readonly path: string }; result: string | null };
  /** Inserts kernel modules, and before them those that they depend on. */
  load: { params: { readonly modules: readonly string[] }; result: null };
  /** Sends a stream's lines as events from now on. */
  watch: { params: { readonly stream: StreamName }; result: null };
  /** Starts a program that runs on: it is known by the number that comes back. */
  start: { params: { readonly argv: readonly string[] }; result: number };
  /** Writes a line to the standard input of one that runs on. */
  feed: { params: { readonly process: number; readonly line: string }; result: null };
  /** Sends a signal to one that runs on. */
  kill: { params: { readonly process: number; readonly signal: 'SIGKILL' | 'SIGTERM' }; result: null };
  /** Imports a module below the lab's `dist` and calls its default export. */
  run: { params: { readonly module: string; readonly input: unknown }; result: unknown };
}

/** A request of the driver. */
export type AgentRequest = {
  [Name in keyof AgentMethods]: {
    readonly id: number;
    readonly method: Name;
    readonly params: AgentMethods[Name]['params'];
  };
}[keyof AgentMethods];

/** What the agent says. */
export type AgentMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  /** The agent is there. */
  | { readonly event: 'ready'; readonly release: string; readonly node: string; readonly uptime: number }
  | { readonly event: 'line'; readonly stream: StreamName; readonly line: string }
  /** A program that runs in the guest says something. */
  | { readonly event: 'said'; readonly text: string }
  /** One that was started prints a line. */
  | { readonly event: 'printed'; readonly process: number; readonly to: 'stdout' | 'stderr'; readonly line: string }
  /** One that was started has ended, and nothing more comes of it. */
  | {
      readonly event: 'exited';
      readonly process: number;
      readonly status: number | null;
      readonly signal: string | null;
    };

/** What comes of a program that was started. */
export type ProcessMessage = Extract<AgentMessage, { readonly process: number }>;

/** What a module that runs in the guest gets besides its input. */
export interface GuestContext {
  /** Says something to the driver while it runs. */
  say(text: string): void;
}

/** The default export of a module that runs in the guest. What it returns must survive JSON. */
export type GuestProgram<Input, Output> = (input: Input, context: GuestContext) => Promise<Output> | Output;
