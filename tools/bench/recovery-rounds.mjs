// Recoveries a second, whatever the platform: errors on several functions at a time, each again as soon as it is recovered.
import { createEngine, KernelPolicy } from '@pci-recovery/core';
import { moreIsBetter, rates } from './rounds.mjs';

export const DEADLINE_MS = 30_000;

/** What holds for every measurement of recoveries. */
export const CONDITIONS = {
  'deadline of every callback, ms': DEADLINE_MS,
  trace: 'on',
  observers: 1,
  handlers: 'async',
  'witness log': 'off',
  clock: "the system's",
};

const resetsIn = ({ trace }, operation) =>
  trace.filter((entry) => entry.what === 'operate' && entry.operation.name === operation).length;

/**
 * Rates of whole recoveries, from the error that simulated hardware detects to the outcome `recovered`.
 * @param {object} options
 * @param {import('@pci-recovery/core').RecoveryPlatform} options.platform
 * @param {readonly import('@pci-recovery/core').Bdf[]} options.functions each has one error at a time
 * @param {(bdf: string) => import('@pci-recovery/core').PciErrorHandlers} options.driverOf
 * @param {(bdf: string) => void} options.strike lets the hardware have an error there
 * @param {number} options.count recoveries a round
 * @param {{ operation: string, times: number }} options.resets how often each recovery must do that operation
 */
export async function recoveryRates({ platform, functions, driverOf, strike, count, resets }) {
  let left = 0;
  let running = 0;
  let settle;
  const next = (bdf) => {
    if (left-- > 0) (running++, strike(bdf));
  };
  const ended = (outcome) => {
    const right = outcome.result === 'recovered' && resetsIn(outcome, resets.operation) === resets.times;
    if (!right) settle.reject(new Error(`A recovery did not end as it should: ${outcome.result}, ${outcome.why}`));
    running--;
    next(outcome.event.device.bdf);
    if (running === 0) settle.resolve();
  };
  const engine = createEngine({
    platforms: [platform],
    policy: new KernelPolicy({ deadlineMs: DEADLINE_MS }),
    observers: [(event) => event.type === 'ended' && ended(event.outcome)],
  });
  for (const bdf of functions) engine.attach(bdf, driverOf(bdf));
  await engine.start();
  const work = () =>
    new Promise((resolve, reject) => {
      left = count;
      settle = { resolve, reject };
      for (const bdf of functions) next(bdf);
    });
  const found = await rates({ count, work });
  await engine.close();
  return moreIsBetter(found);
}
