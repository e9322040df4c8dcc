import { coreModule, TOKENS, type ErrorEvent, type RecoveryEngine } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { eehModule, EehPlatform, type EehErrorKind, type EehOrigin, type EehRecord } from '@pci-recovery/eeh';
import { Container } from 'inversify';
import { EEH_FAULTS, type EehFaultShown } from './eeh-faults.js';
import { DRIVEN, eehDriver, eehMachine } from './eeh-machine.js';
import { type Simulation, type SimulationEnd, type SimulationRun } from './simulation.js';
import { ended } from './watching.js';

const KINDS: Readonly<Record<EehErrorKind, string>> = {
  frozen_pe: 'frozen PE',
  fenced_phb: 'fenced PHB',
  dead_phb: 'dead PHB',
  dead_ioc: 'dead IOC',
  informative: 'for the record',
};

const ORIGINS: Readonly<Record<EehOrigin, string>> = {
  read: 'found by a read of all ones',
  interrupt: 'reported by firmware',
  survey: 'found at the start',
  forced: 'recovery wanted',
  poll: 'found by asking',
};

/** What an EEH record says: which PE, what broke, and how it was found. */
export function describeEeh(event: ErrorEvent): string {
  const { name, kind, origin } = event.record as EehRecord;
  return `${event.device.bdf}  ${name} (${KINDS[kind]}, ${ORIGINS[origin]})`;
}

/** Composes engine and backend as an application does: in a container. */
function compose(fault: EehFaultShown, clock: VirtualClock): { engine: RecoveryEngine; strike: () => void } {
  const undriven = Object.keys(fault.drivers ?? {}).filter((bdf) => fault.drivers![bdf] === null);
  const hardware = eehMachine(clock, new Set(undriven));
  const { policy, mostFreezes } = fault;
  const container = new Container();
  container.load(
    coreModule({ clock, ...(policy ? { policy } : {}) }),
    eehModule({ port: hardware, ...(mostFreezes === undefined ? {} : { mostFreezes }) }),
  );
  const engine = container.get<RecoveryEngine>(TOKENS.engine);
  const platform = container.get(EehPlatform);
  hardware.onAllOnes((bdf) => void platform.checkFailure(bdf));
  for (const bdf of DRIVEN) {
    const temper = fault.drivers?.[bdf];
    if (temper !== null) engine.attach(bdf, eehDriver(hardware, bdf, clock, temper));
  }
  return { engine, strike: () => fault.strike(hardware) };
}

async function run(name: string, { observe }: SimulationRun): Promise<SimulationEnd> {
  const fault = EEH_FAULTS.find((one) => one.name === name)!;
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

/** EEH on a simulated PowerNV machine with virtual time. */
export const eehSimulation: Simulation = {
  platform: 'eeh',
  faults: EEH_FAULTS,
  defaultFault: 'fatal',
  describe: describeEeh,
  run,
};
