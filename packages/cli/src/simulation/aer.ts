import { coreModule, TOKENS, type Bdf, type ErrorEvent, type RecoveryEngine } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { aerModule, type AerRecord } from '@pci-recovery/aer';
import { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';
import { Container } from 'inversify';
import { AER_FAULTS, type AerFault } from './aer-faults.js';
import { aerMachine, DRIVEN } from './aer-machine.js';
import { simulatedDriver } from './driver.js';
import { type Simulation, type SimulationEnd, type SimulationRun } from './simulation.js';
import { ended, whenTold } from './watching.js';

/** What an AER record says: severity, the bits that are set and not masked, and who reported it. */
export function describeAer(event: ErrorEvent): string {
  const { status, mask, accessible, root } = event.record as AerRecord;
  if (event.severity === 'informative') return `${event.device.bdf}  an error was reported that no function admits to`;
  const table = event.severity === 'correctable' ? CORRECTABLE_ERRORS : UNCORRECTABLE_ERRORS;
  const bits = table.filter((error) => (status & ~mask & error.mask) !== 0).map((error) => error.short);
  const what = accessible ? bits.join(' ') : 'registers not read, the link may be down';
  return `${event.device.bdf}  ${event.severity} (${what})${root ? `, reported by ${root}` : ''}`;
}

/** Composes engine and backend as an application does: in a container. */
function compose(fault: AerFault, clock: VirtualClock): { engine: RecoveryEngine; strike: () => void } {
  const undriven = Object.keys(fault.drivers ?? {}).filter((bdf) => fault.drivers![bdf] === null);
  const hardware = aerMachine(clock, new Set(undriven));
  const container = new Container();
  container.load(
    coreModule({ clock, ...(fault.policy ? { policy: fault.policy } : {}) }),
    aerModule({ port: hardware }),
  );
  const engine = container.get<RecoveryEngine>(TOKENS.engine);
  const attach = (bdf: Bdf): void => {
    const temper = fault.drivers?.[bdf];
    if (temper !== null) engine.attach(bdf, simulatedDriver(hardware, bdf, clock, temper));
  };
  DRIVEN.forEach(attach);
  if (fault.strikeAgain) whenTold(engine, () => fault.strikeAgain!(hardware));
  return { engine, strike: () => fault.strike(hardware) };
}

async function run(name: string, { observe }: SimulationRun): Promise<SimulationEnd> {
  const fault = AER_FAULTS.find((one) => one.name === name)!;
  const clock = new VirtualClock();
  const { engine, strike } = compose(fault, clock);
  engine.observe(observe);
  const end = ended(engine, fault.errors ?? 1);
  await engine.start();
  strike();
  const outcomes = await clock.drive(end);
  await clock.drive(engine.close());
  return { outcomes, clock };
}

/** AER on a simulated machine with virtual time. */
export const aerSimulation: Simulation = {
  platform: 'aer',
  faults: AER_FAULTS,
  defaultFault: 'fatal',
  describe: describeAer,
  run,
};
