import { ioWindow, memoryWindow, prefetchableWindow } from '../../src/header/index.js';
import { type BridgeHeader, type BridgeWindow, type Header, type NormalHeader } from '../../src/index.js';
import { baseAddressLines, romLine } from './base-addresses.js';
import { hex, marks } from './text.js';

const DEVSEL = ['fast', 'medium', 'slow', '??'];

function oddities(header: Header): string[] {
  const { classCode, headerType } = header.registers;
  const type = headerType & 0x7f;
  const invalid = `\t!!! Invalid class ${hex(classCode, 4)} for header type ${hex(type, 2)}`;
  if (header.layout === 'normal') return classCode === 0x0604 ? [invalid] : [];
  if (header.layout === 'unknown') return [`\t!!! Unknown header type ${hex(type, 2)}`];
  return classCode >> 8 === 6 ? [] : [invalid];
}

function controlAndStatus(header: Header): string[] {
  const c = header.command;
  const s = header.status;
  return [
    `\tControl: ${marks(['I/O', c.ioSpace], ['Mem', c.memorySpace], ['BusMaster', c.busMaster], ['SpecCycle', c.specialCycles], ['MemWINV', c.memoryWriteInvalidate], ['VGASnoop', c.vgaPaletteSnoop], ['ParErr', c.parityErrorResponse], ['Stepping', c.stepping], ['SERR', c.serrEnable], ['FastB2B', c.fastBackToBack], ['DisINTx', c.interruptDisable])}`,
    `\tStatus: ${marks(['Cap', s.capabilitiesList], ['66MHz', s.mhz66Capable], ['UDF', s.userDefinableFeatures], ['FastB2B', s.fastBackToBack], ['ParErr', s.masterDataParityError])} DEVSEL=${DEVSEL[s.devselTiming]} ${marks(['>TAbort', s.signaledTargetAbort], ['<TAbort', s.receivedTargetAbort], ['<MAbort', s.receivedMasterAbort], ['>SERR', s.systemError], ['<PERR', s.detectedParityError], ['INTx', s.interruptStatus])}`,
  ];
}

function latency(header: Header): string[] {
  if (!header.command.busMaster) return [];
  const { latencyTimer, cacheLineSize } = header.registers;
  const normal = header.layout === 'normal' ? header.registers : { minGrant: 0, maxLatency: 0 };
  const limits = [
    ...(normal.minGrant ? [`${normal.minGrant * 250}ns min`] : []),
    ...(normal.maxLatency ? [`${normal.maxLatency * 250}ns max`] : []),
  ].join(', ');
  const line = cacheLineSize ? `, Cache Line Size: ${cacheLineSize * 4} bytes` : '';
  return [`\tLatency: ${latencyTimer}${limits && ` (${limits})`}${line}`];
}

/** The pin counts as none where the layout of the header is not known; the line is printed even so when there is an IRQ. */
function interrupt(header: Header): string[] {
  const pin = header.layout === 'unknown' ? 0 : header.interruptPin;
  const { interruptLine } = header.registers;
  if (!pin && !interruptLine) return [];
  return [`\tInterrupt: pin ${pin ? String.fromCharCode(64 + pin) : '?'} routed to IRQ ${interruptLine}`];
}

function bist(header: Header): string[] {
  const { capable, start, completionCode } = header.bist;
  if (!capable || header.layout === 'unknown') return [];
  return [start ? '\tBIST is running' : `\tBIST result: ${hex(completionCode, 2)}`];
}

const SUFFIXES = ['', 'K', 'M', 'G', 'T'];

/** The size is cut to 32 bits behind its suffix, as lspci does. */
function size(bytes: bigint): string {
  let rest = bytes;
  let i = 0;
  for (; i < SUFFIXES.length - 1 && rest % 1024n === 0n; i++) rest /= 1024n;
  return ` [size=${BigInt.asUintN(32, rest)}${SUFFIXES[i]}]`;
}

function range(prefix: string, { base, limit, bits }: BridgeWindow): string {
  const digits = bits / 4;
  const extent = base <= limit ? size(limit - base + 1n) : ' [disabled]';
  return `\t${prefix} behind bridge: ${hex(base, digits)}-${hex(limit, digits)}${extent} [${bits}-bit]`;
}

function windows(header: BridgeHeader): string[] {
  const r = header.registers;
  const io = ioWindow(r);
  const memory = memoryWindow(r);
  const prefetchable = prefetchableWindow(r);
  const unknown = (what: string, base: number, limit: number): string =>
    `\t!!! Unknown ${what} range types ${hex(base, 1)}/${hex(limit, 1)}`;
  return [
    io ? range('I/O', io) : unknown('I/O', r.ioBase, r.ioLimit),
    memory ? range('Memory', memory) : unknown('memory', r.memoryBase, r.memoryLimit),
    prefetchable
      ? range('Prefetchable memory', prefetchable)
      : unknown('prefetchable memory', r.prefetchableBase, r.prefetchableLimit),
  ];
}

function busLine(header: Header): string {
  if (header.layout === 'normal') return '';
  const { primaryBus, secondaryBus, subordinateBus } = header;
  const latencyTimer =
    header.layout === 'bridge' ? header.registers.secondaryLatencyTimer : header.registers.rest[2]! >>> 24;
  return `\tBus: primary=${hex(primaryBus, 2)}, secondary=${hex(secondaryBus, 2)}, subordinate=${hex(subordinateBus, 2)}, sec-latency=${latencyTimer}`;
}

function bridge(header: BridgeHeader): string[] {
  const s = header.secondaryStatus;
  const b = header.bridgeControl;
  return [
    ...baseAddressLines(header.registers.baseAddresses, header.command),
    busLine(header),
    ...windows(header),
    `\tSecondary status: ${marks(['66MHz', s.mhz66Capable], ['FastB2B', s.fastBackToBack], ['ParErr', s.masterDataParityError])} DEVSEL=${DEVSEL[s.devselTiming]} ${marks(['>TAbort', s.signaledTargetAbort], ['<TAbort', s.receivedTargetAbort], ['<MAbort', s.receivedMasterAbort], ['<SERR', s.systemError], ['<PERR', s.detectedParityError])}`,
    ...romLine(header.registers.expansionRom, header.command.memorySpace),
    `\tBridgeCtl: ${marks(['Parity', b.parityErrorResponse], ['SERR', b.serrEnable], ['NoISA', b.isaEnable], ['VGA', b.vgaEnable], ['VGA16', b.vga16BitDecode], ['MAbort', b.masterAbortMode], ['>Reset', b.secondaryBusReset], ['FastB2B', b.fastBackToBack])}`,
    `\t\t${marks(['PriDiscTmr', b.primaryDiscardTimer], ['SecDiscTmr', b.secondaryDiscardTimer], ['DiscTmrStat', b.discardTimerStatus], ['DiscTmrSERREn', b.discardTimerSerrEnable])}`,
  ];
}

/** Subsystem ids, which bridges keep in a capability that has no codec here. */
function subsystem(header: NormalHeader): string[] {
  const { subsystemVendorId: vendor, subsystemId } = header.registers;
  return vendor && vendor !== 0xffff ? [`\tSubsystem: ${hex(vendor, 4)}:${hex(subsystemId, 4)}`] : [];
}

function regions(header: Header): string[] {
  if (header.layout === 'bridge') return bridge(header);
  if (header.layout === 'cardbus') {
    return [...baseAddressLines(header.registers.rest.slice(0, 1), header.command), busLine(header)];
  }
  if (header.layout !== 'normal') return [];
  const { baseAddresses, expansionRom } = header.registers;
  return [...baseAddressLines(baseAddresses, header.command), ...romLine(expansionRom, header.command.memorySpace)];
}

/** The lines of `lspci -n -vvv` from the slot line up to the capabilities. */
export function headerLines(slot: string, header: Header): string[] {
  const r = header.registers;
  const revision = r.revisionId ? ` (rev ${hex(r.revisionId, 2)})` : '';
  const interfaceText = r.programmingInterface ? ` (prog-if ${hex(r.programmingInterface, 2)})` : '';
  return [
    `${slot} ${hex(r.classCode, 4)}: ${hex(r.vendorId, 4)}:${hex(r.deviceId, 4)}${revision}${interfaceText}`,
    ...(header.layout === 'normal' ? subsystem(header) : []),
    ...oddities(header),
    ...(header.layout === 'unknown' ? [] : [...controlAndStatus(header), ...latency(header)]),
    ...interrupt(header),
    ...bist(header),
    ...regions(header),
  ];
}

/** Lines that lspci prints of what has no codec here: subsystem ids of bridges, and the windows of CardBus bridges. */
export function hasNoCodec(line: string, header: Header): boolean {
  if (header.layout === 'normal') return false;
  if (line.startsWith('\tSubsystem: ')) return true;
  return (
    header.layout === 'cardbus' && /^\t(Memory window|I\/O window|Secondary status|BridgeCtl|16-bit legacy)/.test(line)
  );
}
