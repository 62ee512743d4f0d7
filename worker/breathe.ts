/** Lets the loop turn: probes are answered between two parts of a long piece of work. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
