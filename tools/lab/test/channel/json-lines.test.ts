import fc from 'fast-check';
import { jsonLine, JsonLines } from '../../src/channel/json-lines.js';

describe('lines of JSON from a stream', () => {
  it('are the same however the stream is cut, within characters too', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.integer({ min: 1, max: 7 }), (values, size) => {
        const bytes = Buffer.from(values.map(jsonLine).join(''));
        const lines = new JsonLines();
        const read: unknown[] = [];
        for (let at = 0; at < bytes.length; at += size) read.push(...lines.feed(bytes.subarray(at, at + size)));
        expect(JSON.stringify(read)).toBe(JSON.stringify(values));
      }),
    );
  });

  it('may be empty or end with a carriage return, as QEMU ends them', () => {
    expect(new JsonLines().feed(Buffer.from('{"a":1}\r\n\r\n\n{"b":2}\r\n{"half'))).toEqual([{ a: 1 }, { b: 2 }]);
  });
});
