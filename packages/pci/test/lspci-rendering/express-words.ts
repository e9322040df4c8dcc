import { general } from './text.js';

export const L0S = ['<64ns', '<128ns', '<256ns', '<512ns', '<1us', '<2us', '<4us', 'unlimited'];
export const L1 = ['<1us', '<2us', '<4us', '<8us', '<16us', '<32us', '<64us', 'unlimited'];
export const SPEEDS = ['unknown', '2.5GT/s', '5GT/s', '8GT/s', '16GT/s', '32GT/s', '64GT/s'];
export const ASPM_SUPPORT = ['not supported', 'L0s', 'L1', 'L0s L1'];
export const ASPM_CONTROL = ['Disabled', 'L0s Enabled', 'L1 Enabled', 'L0s L1 Enabled'];
export const ATTENTION = ['Unknown', 'On', 'Blink', 'Off'];
export const OBFF_SUPPORTED = ['Not Supported', 'Via message', 'Via WAKE#', 'Via message/WAKE#'];
export const OBFF_ENABLED = ['Disabled', 'Via message A', 'Via message B', 'Via WAKE#'];
export const EPR = ['Not Supported', 'Dev Specific', 'Form Factor Dev Specific', 'Reserved'];
export const LN_CLS = ['Not Supported', '64byte cachelines', '128byte cachelines', 'Reserved'];
export const TPH = ['TPHComp- ExtTPHComp-', 'TPHComp+ ExtTPHComp-', '', 'TPHComp+ ExtTPHComp+'];
export const DEEMPHASIS = ['-6dB', '-3.5dB'];
export const CROSSLINK = ['unsupported', 'Upstream Port', 'Downstream Port', 'incomplete'];

export const TIMEOUT_RANGES: Readonly<Record<number, string>> = {
  0: 'Not Supported',
  1: 'Range A',
  2: 'Range B',
  3: 'Range AB',
  6: 'Range BC',
  7: 'Range ABC',
  14: 'Range BCD',
  15: 'Range ABCD',
};

export const COMPLETION_TIMEOUTS: Readonly<Record<number, string>> = {
  0: '50us to 50ms',
  1: '50us to 100us',
  2: '1ms to 10ms',
  5: '16ms to 55ms',
  6: '65ms to 210ms',
  9: '260ms to 900ms',
  10: '1s to 3.5s',
  13: '4s to 13s',
  14: '17s to 64s',
};

const LOW_MARGIN = '200-400mV(full-swing)/100-200mV(half-swing)';
export const TRANSMIT_MARGINS: Readonly<Record<number, string>> = {
  0: 'Normal Operating Range',
  1: '800-1200mV(full-swing)/400-700mV(half-swing)',
  2: LOW_MARGIN,
  3: LOW_MARGIN,
  4: LOW_MARGIN,
  5: LOW_MARGIN,
};

export const COMPLIANCE_PRESETS: readonly string[] = [
  '-6dB de-emphasis, 0dB preshoot',
  '-3.5dB de-emphasis, 0dB preshoot',
  '-4.4dB de-emphasis, 0dB preshoot',
  '-2.5dB de-emphasis, 0dB preshoot',
  '0dB de-emphasis, 0dB preshoot',
  '0dB de-emphasis, 1.9dB preshoot',
  '0dB de-emphasis, 2.5dB preshoot',
  '-6.0dB de-emphasis, 3.5dB preshoot',
  '-3.5dB de-emphasis, 3.5dB preshoot',
  '0dB de-emphasis, 3.5dB preshoot',
];

export const DOWNSTREAM_COMPONENTS: Readonly<Record<number, string>> = {
  0: 'Link Down - Not Determined',
  1: 'Link Down - Not Present',
  2: 'Link Down - Present',
  4: 'Link Up - Present',
  5: 'Link Up - Present and DRS Received',
};

const SCALES = [1, 0.1, 0.01, 0.001];

/** Slot Power Limit: at scale 0 the values from F0h on stand for 250 W and more (PCIe r6.1 §7.5.3.9). */
export function powerLimit(value: number, scale: number): string {
  if (scale === 0 && value === 0xff) return '>600W';
  const units = scale === 0 && value >= 0xf0 ? 250 + 25 * (value - 0xf0) : value;
  return `${general(units * Math.fround(SCALES[scale]!))}W`;
}
