import { type Bdf } from '@pci-recovery/core';
import { GUEST_ROOT } from '../../initramfs/init.js';
import { type GuestProgram, type Said } from '../../session/guest-program.js';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { OWNED } from './owned.js';
import { bindVfio, INJECTED } from './steps.js';

const COMMAND = `${GUEST_ROOT}/packages/cli/bin/pci-recovery.js`;

interface Listed {
  readonly bdf: Bdf;
  readonly handling: string;
  readonly modes: Readonly<Record<'owner' | 'observer', true | string>>;
  readonly counted?: Readonly<Record<string, string>>;
}

const list = async (lab: Lab): Promise<ReadonlyMap<Bdf, Listed>> => {
  const lines = (await lab.guest.exec('node', COMMAND, 'list', '--json')).trim().split('\n');
  return new Map(lines.map((line) => JSON.parse(line) as Listed).map((one) => [one.bdf, one]));
};

/** Starts the command in the guest; what it prints are JSON lines. */
const start = (lab: Lab, ...args: readonly string[]): Promise<GuestProgram> =>
  lab.guest.startProgram('node', COMMAND, ...args, '--json');

/** An engine's event as the command prints it. */
interface Printed extends Said {
  readonly properties: Readonly<Record<string, unknown>>;
}

const resultOf = ({ properties }: Printed): unknown =>
  (properties['outcome'] as { result?: unknown } | undefined)?.result;

/** What operators see and do. */
export const commandList: Scenario = {
  name: 'command-list',
  title: 'pci-recovery list says of every function what recovery can do for it, and what is in the way',
  demands: ['R4.2'],
  layout: OWNED,
  async run(lab) {
    const { findings } = lab;
    const before = await list(lab);
    const bdf = lab.bdf('ep_single');
    findings.check('AER is recognised', before.get(bdf)?.handling, 'aer');
    findings.check('it cannot be held yet, and the reason is named', typeof before.get(bdf)?.modes.owner, 'string');
    await bindVfio(lab, 'ep_single');
    await lab.observe('counted', async () => {
      const ended = lab.logged(/device recovery successful/);
      await lab.inject('ep_single', INJECTED.nonfatal);
      await ended;
    });
    const after = await list(lab);
    findings.check('bound to vfio-pci it can be held', after.get(bdf)?.modes.owner, true);
    findings.check('errors are counted', after.get(bdf)?.counted?.['nonfatal'], '1');
    findings.fact('text', await lab.guest.exec('node', COMMAND, 'list'));
  },
};

/** Recovery by hand. */
export const commandRecover: Scenario = {
  name: 'command-recover',
  title: 'pci-recovery recover holds a device, recovers its errors while it runs, and ends in order',
  demands: ['R3.4', 'R3.5'],
  layout: OWNED,
  async run(lab) {
    const { findings, guest } = lab;
    const bdf = lab.bdf('ep_single');
    await bindVfio(lab, 'ep_single');
    const idle = await guest.exec('node', COMMAND, 'recover', bdf);
    findings.check('a healthy device needs nothing', idle.trim(), 'Nothing of it was broken.');
    const command = await start(lab, 'recover', bdf, '--watch');
    await command.until('attached');
    for (const error of [INJECTED.nonfatal, INJECTED.fatal]) {
      const from = command.said.length;
      const evidence = await lab.observe(error.toLowerCase(), async () => {
        await lab.inject('ep_single', error);
        await command.until('ended', () => true, from);
      });
      findings.check(
        `${error}: recovered`,
        resultOf(command.said.slice(from).find(({ event }) => event === 'ended') as Printed),
        'recovered',
      );
      findings.check(`${error}: no status is left`, evidence.registers[bdf]?.uncorrectableStatus, 0);
    }
    findings.check('it ends in order when it is asked to', (await command.kill('SIGTERM')).status, 0);
  },
};

/** Looking on. */
export const commandWatch: Scenario = {
  name: 'command-watch',
  title: 'pci-recovery watch tells of every error, and how the kernel’s own recovery from it ended',
  demands: ['R1.2'],
  layout: OWNED,
  async run(lab) {
    const { findings } = lab;
    const bdf = lab.bdf('ep_single');
    await bindVfio(lab, 'ep_single', 'ep_pair0');
    await lab.guest.unbind(lab.bdf('ep_pair1'));
    const command = await start(lab, 'watch');
    // It says nothing until something happens: the first error is repeated until it is heard.
    await heard(lab, command, 'ep_single', INJECTED.correctable);
    for (const [id, error, severity, result] of [
      ['ep_single', INJECTED.nonfatal, 'nonfatal', 'recovered'],
      ['ep_single', INJECTED.fatal, 'fatal', 'recovered'],
      ['ep_pair0', INJECTED.nonfatal, 'nonfatal', 'disconnected'],
    ] as const) {
      const from = command.said.length;
      await lab.inject(id, error);
      const ended = await command.until<Printed>('ended', (one) => resultOf(one) !== 'ignored', from);
      const event = (ended.properties['outcome'] as { event: unknown }).event as {
        severity: string;
        record: { sources: readonly Bdf[]; evidence: string };
      };
      findings.check(`${id} ${error}: its severity`, event.severity, severity);
      findings.check(`${id} ${error}: its source`, event.record.sources, [lab.bdf(id)]);
      findings.check(`${id} ${error}: known by the kernel’s trace`, event.record.evidence, 'trace');
      findings.check(`${id} ${error}: how it ended`, resultOf(ended), result);
    }
    findings.check('nobody was touched', (await lab.guest.state()).get(bdf)?.driver, 'vfio-pci');
    findings.check('it ends in order when it is asked to', (await command.kill('SIGTERM')).status, 0);
  },
};

/** Injects a correctable error until the command tells of one. */
async function heard(lab: Lab, command: GuestProgram, id: string, error: string): Promise<void> {
  let told = false;
  const recorded = command.until('recorded').then(() => (told = true));
  while (!told) {
    await lab.inject(id, error);
    await Promise.race([recorded, lab.guest.exec('usleep', '500000')]);
  }
}
