import { type Clock, type EngineEvent } from '@pci-recovery/core';
import { engineEventLine } from '../json-event.js';
import { writeLine, type Io } from '../io.js';
import { paletteFor } from '../view/palette.js';
import { Timeline } from '../view/timeline.js';
import { describeAerLinux } from './describe-aer.js';

/** Shows what an engine reports as it happens: a timeline, or a JSON object per line. */
export function liveView(io: Io, source: string, json: boolean, clock: Clock): (event: EngineEvent) => void {
  const timeline = new Timeline(describeAerLinux, paletteFor(io));
  return (event) => {
    const lines = json ? [engineEventLine(event, source, clock)] : timeline.lines(event);
    for (const line of lines) void writeLine(io.stdout, line);
  };
}
