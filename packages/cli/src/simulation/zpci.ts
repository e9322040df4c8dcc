import { coreModule, TOKENS, type ErrorEvent, type RecoveryEngine, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { errorCode, ZpciOwnerPlatform, ZpciPlatform, zpciModule, type ZpciRecord } from '@pci-recovery/zpci';
import { SimulatedVfio, type SimulatedZpci } from '@pci-recovery/zpci/sim';
import { Container, ContainerModule } from 'inversify';
import { type Simulation, type SimulationEnd, type SimulationRun } from './simulation.js';
import { ended, whenTold } from './watching.js';
import { ZPCI_FAULTS, type ZpciFault } from './zpci-faults.js';
import { AT, FID, zpciDriver, zpciMachine } from './zpci-machine.js';

const PLATFORM = 'zpci';

/** What a zPCI record says: event code, what it means, and the failing address. */
export function describeZpci(event: ErrorEvent): string {
  const { ccdf, fid } = event.record as ZpciRecord;
  const who = `${event.device.bdf}  function 0x${fid.toString(16)}`;
  if (!ccdf) return `${who} does not answer, there is no record`;
  const { pec, faddr } = ccdf;
  const known = errorCode(pec);
  const where = /[1-9a-f]/.test(faddr.slice(2)) ? ` at ${faddr}` : '';
  return `${who}, event 0x${pec.toString(16)}${known ? ` (${known.meaning})` : ''}${where}`;
}

/** The backend on a machine: the host's, or the holder's beside a simulated kernel. */
function backend(fault: ZpciFault, hardware: SimulatedZpci, clock: VirtualClock): ContainerModule {
  if (fault.held !== 'holder') return zpciModule({ port: hardware, name: PLATFORM });
  const drive = new SimulatedVfio(hardware).open(FID.drive);
  return new ContainerModule(({ bind }) => {
    bind<RecoveryPlatform>(TOKENS.platform).toConstantValue(new ZpciOwnerPlatform([drive], clock, { name: PLATFORM }));
  });
}

/** Composes engine and backend as an application does: in a container. */
function compose(fault: ZpciFault, clock: VirtualClock): { engine: RecoveryEngine; strike: () => void } {
  const functions = Object.values(FID);
  const undriven = new Set<number>(functions.filter((fid) => fault.drivers?.[fid] === null));
  const hardware = zpciMachine(clock, undriven);
  const container = new Container();
  const policy = fault.policy ? { policy: fault.policy } : {};
  container.load(coreModule({ clock, ...policy }), backend(fault, hardware, clock));
  const engine = container.get<RecoveryEngine>(TOKENS.engine);
  if (fault.held === 'host') container.get(ZpciPlatform).open(AT[FID.drive]);
  for (const fid of functions) {
    const temper = fault.drivers?.[fid];
    if (temper !== null) engine.attach(AT[fid], zpciDriver(hardware, fid, clock, temper));
  }
  if (fault.strikeAgain) whenTold(engine, () => fault.strikeAgain!(hardware));
  return { engine, strike: () => fault.strike(hardware) };
}

async function run(name: string, { observe }: SimulationRun): Promise<SimulationEnd> {
  const fault = ZPCI_FAULTS.find((one) => one.name === name)!;
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

/** zPCI on a simulated machine with virtual time. */
export const zpciSimulation: Simulation = {
  platform: PLATFORM,
  faults: ZPCI_FAULTS,
  defaultFault: 'fatal',
  describe: describeZpci,
  run,
};
