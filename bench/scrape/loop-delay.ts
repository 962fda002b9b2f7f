// Imported into the measured process: at SIGUSR2 it says how much CPU time the longest turn of the event loop has taken
// since the last time. CPU time, since on a busy machine the clock also tells how long others had the CPU.
let longest = 0;
let last = used();

function used(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function turn(): void {
  const now = used();
  longest = Math.max(longest, now - last);
  last = now;
  setImmediate(turn).unref();
}
turn();
// Immediates alone keep the loop turning only while something else is there.
setInterval(() => {}, 1000);

process.on('SIGUSR2', () => {
  console.error(`longest turn: ${(longest / 1000).toFixed(1)} ms`);
  longest = 0;
});
