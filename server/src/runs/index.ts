export { RunWatch } from './domain/run-watch.ts'
export { RunsModule } from './runs.module.ts'
export { RunsRepository } from './runs.repository.ts'
export { type AcceptedRun, RunsService } from './runs.service.ts'
