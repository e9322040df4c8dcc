/** A function of the reference machine: what it is, what it hangs below, whether its port has a driver. */
export interface Place {
  readonly name: string;
  readonly is: 'root' | 'up' | 'down' | 'endpoint';
  readonly below?: string;
  readonly driven?: boolean;
}

const root = (name: string): Place => ({ name, is: 'root', driven: true });
const end = (name: string, below: string): Place => ({ name, is: 'endpoint', below });
const port = (name: string, is: 'up' | 'down', below: string, driven: boolean): Place => ({ name, is, below, driven });

/** The machines, each function after the one it hangs below. */
export const TOPOLOGIES: Readonly<Record<string, readonly Place[]>> = {
  single: [root('top'), end('a', 'top')],
  pair: [root('top'), end('a', 'top'), end('b', 'top')],
  triple: [root('top'), end('a', 'top'), end('b', 'top'), end('c', 'top')],
  disjoint: [root('top'), end('a', 'top'), root('top2'), end('b', 'top2')],
  bridge: [root('top'), port('up', 'up', 'top', false), port('dp', 'down', 'up', false), end('a', 'dp')],
  nested: [
    root('top'),
    port('up', 'up', 'top', true),
    port('dp1', 'down', 'up', true),
    end('a', 'dp1'),
    port('dp2', 'down', 'up', true),
    end('b', 'dp2'),
  ],
};
