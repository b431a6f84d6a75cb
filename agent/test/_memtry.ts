import { spawn } from 'node:child_process'; import { readFileSync } from 'node:fs'; import {once} from 'node:events'
import { AgentHost } from '/work/main/agent/test/fixtures/agent-host.ts'
const variants = {
 unit: [[],{}],
 arena: [[],{MALLOC_ARENA_MAX:'1',MALLOC_MMAP_THRESHOLD_:'131072',MALLOC_TRIM_THRESHOLD_:'131072'}],
 arenaSize: [['--optimize-for-size'],{MALLOC_ARENA_MAX:'1',MALLOC_MMAP_THRESHOLD_:'131072',MALLOC_TRIM_THRESHOLD_:'131072'}],
 lazyfb: [['--optimize-for-size','--no-sparkplug','--stress-lazy-source-positions'].slice(0,2),{MALLOC_ARENA_MAX:'1',MALLOC_MMAP_THRESHOLD_:'131072',MALLOC_TRIM_THRESHOLD_:'131072'}],
 single: [['--optimize-for-size','--single-threaded-gc','--v8-pool-size=0'],{MALLOC_ARENA_MAX:'1',MALLOC_MMAP_THRESHOLD_:'131072',MALLOC_TRIM_THRESHOLD_:'131072'}],
 gcint: [['--optimize-for-size','--gc-interval=-1','--initial-heap-size=8','--max-old-space-size=64'],{MALLOC_ARENA_MAX:'1',MALLOC_MMAP_THRESHOLD_:'131072',MALLOC_TRIM_THRESHOLD_:'131072'}],
}
const mem=(pid)=>{const t=readFileSync(`/proc/${pid}/smaps_rollup`,'utf8');const g=k=>Number(new RegExp(`^${k}: +(\\d+)`,'m').exec(t)[1])/1024;return `rss ${g('Rss').toFixed(1)} priv ${(g('Private_Clean')+g('Private_Dirty')).toFixed(1)}`}
for (const [name,[flags,env]] of Object.entries(variants)) {
  const host=await AgentHost.create(); await host.startRunner()
  const ag=spawn(process.execPath,['--max-semi-space-size=1','--max-old-space-size=192','--v8-pool-size=1',...flags,'/work/main/agent/dist/bundle/agent.mjs',...host.args],{env:{...process.env,NODE_ENV:'production',UV_THREADPOOL_SIZE:'2',...env},stdio:['ignore','ignore','pipe']})
  await once(ag.stderr,'data')
  const a=mem(ag.pid)
  for(let i=0;i<300;i++) await host.client.call(i%2?'heartbeat':'get_status',{})
  const b=mem(ag.pid)
  const id=await host.shell('head -c 100000000 /dev/zero'); await host.follow(id)
  const c=mem(ag.pid)
  await new Promise(r=>setTimeout(r,12000)); for(let i=0;i<20;i++) await host.client.call('heartbeat',{}); 
  console.log(name.padEnd(10),'fresh',a,'| 300 calls',b,'| after 100MB',c,'| later',mem(ag.pid)); ag.kill('SIGKILL'); await host.stop()
}
