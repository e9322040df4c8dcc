// One boot of an emulated machine, its shell on the serial line, and its monitor.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { lineReader } from './lines.mjs';
import { Monitor } from './monitor.mjs';

const QEMU = 'qemu-system-x86_64';
const READY = '<<ready>>';
const STATUS = /^<<status (\d+)>>$/;

/** Software emulation only, so that every machine makes the same dump. */
function machineArguments({ image, initramfs, append, devices, monitorPath }) {
  return [
    ...['-accel', 'tcg', '-M', 'q35', '-cpu', 'max', '-m', '512', '-nodefaults', '-no-user-config', '-no-reboot'],
    // Hot-plug by the slots' own registers: with ACPI in between they would say that every slot is empty.
    ...['-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'],
    ...['-display', 'none', '-serial', 'stdio', '-qmp', `unix:${monitorPath},server=on,wait=off`],
    ...['-kernel', image, '-initrd', initramfs, '-append', `console=ttyS0 quiet panic=-1 ${append}`],
    ...devices.flatMap((device) => ['-device', device]),
  ];
}

/** A booted guest. Use {@link Guest.boot}, and close it. */
export class Guest {
  #qemu;
  #ended;
  #nextLine;
  #monitor;

  /** Boots `machine`; everything that the guest is asked for ends when `signal` aborts. */
  static async boot(machine, directory, signal) {
    const guest = new Guest();
    const monitorPath = join(directory, 'monitor');
    guest.#start(machineArguments({ ...machine, monitorPath }), signal);
    try {
      await guest.#until((line) => line === READY);
      guest.#monitor = await Monitor.connect(monitorPath, signal);
      return guest;
    } catch (error) {
      const complaint = await guest.close();
      throw new Error(`${error.message} ${complaint}`.trim(), { cause: error });
    }
  }

  /** Runs a shell command in the guest and returns the lines it prints. Throws when it fails. */
  async run(command) {
    this.#qemu.stdin.write(`${command}\n`);
    let status;
    const lines = await this.#until((line) => (status = STATUS.exec(line)?.[1]) !== undefined);
    if (status !== '0') throw new Error(`In the guest, "${command}" failed (${status}): ${lines.join('\n')}`);
    return lines;
  }

  /** Injects an error: the arguments of the monitor command `pcie_aer_inject_error`. */
  async inject(parameters) {
    const said = await this.#monitor.run(`pcie_aer_inject_error ${parameters}`);
    if (!said.startsWith('OK')) throw new Error(`QEMU did not inject "${parameters}": ${said.trim()}`);
  }

  /** Ends QEMU, and returns what it complained about. */
  async close() {
    this.#monitor?.close();
    this.#qemu.kill('SIGKILL');
    return this.#ended;
  }

  #start(parameters, signal) {
    this.#qemu = spawn(QEMU, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
    // Writing to a guest that has ended is noticed by reading from it.
    this.#qemu.stdin.on('error', () => undefined);
    this.#ended = this.#complaints();
    this.#nextLine = lineReader(this.#qemu.stdout, 'The guest', signal);
  }

  async #complaints() {
    let text = '';
    this.#qemu.stderr.on('data', (chunk) => (text += chunk));
    try {
      await once(this.#qemu, 'close');
    } catch (error) {
      return error.code === 'ENOENT' ? `${QEMU} is not there: install qemu-system-x86.` : String(error);
    }
    return text.trim();
  }

  async #until(isLast) {
    const lines = [];
    for (;;) {
      const line = await this.#nextLine();
      if (isLast(line)) return lines;
      lines.push(line);
    }
  }
}
