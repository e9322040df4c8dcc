import { errnoName } from '../../seam/errno.js';
import { requests } from '../../uapi/requests.js';
import { regionOffset } from '../driver/region-offset.js';
import { type AnswerBench, type AnswerCall, type AnswerScene, type KernelAnswer } from './row.js';

const CONFIG_REGION = 7;

/** What was answered, beside what was expected. */
export interface TriedAnswer {
  readonly id: string;
  /** Undefined: the bench cannot bring the state about. */
  readonly got: Got | undefined;
  readonly expected: Got;
}

/** An answer, as a row gives it. */
export interface Got {
  readonly answer: string | number;
  readonly signals?: number;
  readonly bytes?: readonly number[];
}

const named = (result: number): string | number => (result < 0 ? errnoName(result) : result);

/** Makes one call. Its memory comes back, for its first bytes to be compared. */
async function make(scene: AnswerScene, call: AnswerCall): Promise<{ result: number; memory: Uint8Array }> {
  const { syscalls } = scene;
  if ('open' in call) return { result: syscalls.open(call.open(scene), 2), memory: new Uint8Array() };
  if ('read' in call) {
    const memory = new Uint8Array(call.length);
    const offset = regionOffset(call.region ?? CONFIG_REGION) + BigInt(call.read);
    return { result: await syscalls.preadAsync(scene.device, memory, offset), memory };
  }
  if ('write' in call) {
    const memory = Uint8Array.from(call.bytes);
    const offset = regionOffset(call.region ?? CONFIG_REGION) + BigInt(call.write);
    return { result: await syscalls.pwriteAsync(scene.device, memory, offset), memory };
  }
  const number = typeof call.request === 'number' ? call.request : requests()[call.request];
  const argument = call.argument?.(scene);
  const result = await syscalls.ioctlAsync(scene[call.fd], number, argument);
  return { result, memory: typeof argument === 'object' ? argument : new Uint8Array() };
}

const expectedOf = ({ answer, signals, bytes }: KernelAnswer): Got => ({
  answer,
  ...(signals !== undefined && { signals }),
  ...(bytes && { bytes }),
});

/** Tries one row: brings its state about, makes its calls, and says what came back. */
export async function tryAnswer(row: KernelAnswer, bench: AnswerBench): Promise<TriedAnswer> {
  const expected = expectedOf(row);
  const scene = await bench.reach(row.state);
  if (!scene) return { id: row.id, got: undefined, expected };
  await using _held = scene;
  for (const call of row.after ?? []) {
    const { result } = await make(scene, call);
    if (result < 0) return { id: row.id, got: { answer: `before: ${errnoName(result)}` }, expected };
  }
  const { result, memory } = await make(scene, row.call);
  const taken = row.signals === undefined ? 0n : scene.syscalls.takeEventfd(scene.eventfd);
  const signals = taken < 0n ? 0 : Number(taken);
  const got = {
    answer: named(result),
    ...(row.signals !== undefined && { signals }),
    ...(row.bytes && { bytes: [...memory.subarray(0, row.bytes.length)] }),
  };
  return { id: row.id, got, expected };
}
