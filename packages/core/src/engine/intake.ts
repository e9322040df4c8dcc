import { type ErrorEvent } from '../contract/event.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { type Observers } from './observers.js';

/** Where a platform's events go. */
export interface Intake {
  /** Aborts when nothing more is taken in. */
  readonly signal: AbortSignal;
  readonly observers: Observers;
  readonly submit: (event: ErrorEvent) => void;
}

/**
 * Takes in what is broken already, then what comes. Resolves after the survey. A survey that fails is reported, and the
 * platform's events are taken in all the same.
 */
export async function takeIn(platform: RecoveryPlatform, intake: Intake): Promise<void> {
  const { signal } = intake;
  await reporting(`the survey of platform "${platform.name}"`, intake, async () => {
    const found = await platform.survey({ signal });
    if (!signal.aborted) for (const event of found) intake.submit(event);
  });
  if (!signal.aborted)
    void reporting(`the events of platform "${platform.name}"`, intake, () => pump(platform, intake));
}

async function pump(platform: RecoveryPlatform, { signal, submit }: Intake): Promise<void> {
  for await (const event of platform.events({ signal })) {
    if (signal.aborted) return;
    submit(event);
  }
}

async function reporting(where: string, { signal, observers }: Intake, take: () => Promise<void>): Promise<void> {
  try {
    await take();
  } catch (error) {
    if (!signal.aborted) observers.emit({ type: 'trouble', where, error });
  }
}
