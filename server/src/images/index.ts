export { ImageDelivery } from './image-delivery.ts'
export { ImageUses } from './image-uses.ts'
export { ImagesModule } from './images.module.ts'
export { ImagesService } from './images.service.ts'
