import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { KeyedRequest } from './api-key.guard.ts'

/** The name of the API key that a request came with. */
export const ApiKeyName = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<KeyedRequest>().apiKeyName,
)
