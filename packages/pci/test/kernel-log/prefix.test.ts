import fc from 'fast-check';
import { parseLogLine } from '../../src/kernel-log/index.js';

const MESSAGE = 'EEH: Frozen PHB#0-PE#1fd detected';

describe('prefixes of log lines', () => {
  it.each([
    ['nothing', '', {}],
    ['dmesg', '[  123.456789] ', { time: { printed: '123.456789', seconds: 123.456789 } }],
    ['dmesg without a blank', '[12345.678901]', { time: { printed: '12345.678901', seconds: 12345.678901 } }],
    ['printk level', '<3>', { level: 3 }],
    ['console with level', '<6>[    1.000000] ', { level: 6, time: { printed: '1.000000', seconds: 1 } }],
    ['facility and level', '<30>', { level: 6 }],
    ['caller: task', '[    2.500000][  T123] ', { time: { printed: '2.500000', seconds: 2.5 } }],
    ['caller: processor', '[    2.500000][    C7] ', { time: { printed: '2.500000', seconds: 2.5 } }],
    ['/dev/kmsg', '3,1042,98765432,-;', { level: 3, time: { printed: '98765432', seconds: 98.765432 } }],
    ['/dev/kmsg with caller', '4,7,1000000,-,caller=T1;', { level: 4, time: { printed: '1000000', seconds: 1 } }],
    ['dmesg -T', '[Mon Jan 22 11:23:31 2018] ', { time: { printed: 'Mon Jan 22 11:23:31 2018' } }],
    ['dmesg -T in another language', '[пн фев 12 00:48:02 2024] ', { time: { printed: 'пн фев 12 00:48:02 2024' } }],
    ['dmesg -d', '[   10.250000 <    0.000012>] ', { time: { printed: '10.250000', seconds: 10.25 } }],
    ['dmesg -e', '[  +0.000844] ', { time: { printed: '+0.000844' } }],
    ['dmesg -e, first of a minute', '[Jan21 10:11] ', { time: { printed: 'Jan21 10:11' } }],
    ['dmesg -x', 'kern  :err   : [    5.000000] ', { level: 3, time: { printed: '5.000000', seconds: 5 } }],
    ['dmesg iso', '2024-01-21T10:11:12,345678+01:00 ', { time: { printed: '2024-01-21T10:11:12,345678+01:00' } }],
    ['journalctl', 'Sep 22 09:59:09 pve kernel: ', { time: { printed: 'Sep 22 09:59:09' } }],
    ['journalctl, no host', 'фев 12 00:48:02 kernel: ', { time: { printed: 'фев 12 00:48:02' } }],
    [
      'journalctl -o short-iso',
      '2024-01-21T10:11:12+0100 h1 kernel: ',
      { time: { printed: '2024-01-21T10:11:12+0100' } },
    ],
    [
      'journalctl -o short-monotonic',
      '[   55.125000] h1 kernel: ',
      { time: { printed: '55.125000', seconds: 55.125 } },
    ],
    [
      "syslog with the time of printk: the kernel's own counts",
      'Jan  2 03:04:05 node-1 kernel: [   77.000001] ',
      { time: { printed: '77.000001', seconds: 77.000001 } },
    ],
    [
      'a test harness',
      '12:17:09 DEBUG| [stdout] [ 1518.598696] ',
      { time: { printed: '1518.598696', seconds: 1518.598696 } },
    ],
  ])('%s', (_name, prefix, expected) => {
    expect(parseLogLine(prefix + MESSAGE)).toEqual({ message: MESSAGE, ...expected });
  });

  it('takes blanks and a carriage return off the end only', () => {
    expect(parseLogLine('[    1.000000]   device [8086:a110] \r').message).toBe('  device [8086:a110]');
  });

  it('does not take a bit number for a time', () => {
    expect(parseLogLine('[ 0] RxErr').message).toBe('[ 0] RxErr');
  });

  it('any line: never throws; the message is the end of the line', () => {
    const part = fc.constantFrom(
      '<3>',
      '[  1.0] ',
      'kernel: ',
      '3,4,5,-;',
      '[T1] ',
      'kern :err : ',
      '[',
      '2024-01-01T00:00:00Z ',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(part, fc.string())).map((parts) => parts.join('')),
        (line) => {
          expect(line.trimEnd().endsWith(parseLogLine(line).message)).toBe(true);
        },
      ),
    );
  });
});
