//! Drawing with a GPU: planes are textures that stay, and are written only when a new picture came,
//! straight from where its bytes lie. On the thread that draws.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use iced::{
    Rectangle,
    wgpu::{self, util::DeviceExt as _},
    widget::shader,
};
use tracing::warn;

use super::{
    colour::ToRgb,
    geometry::Placement,
    newest::Newest,
    picture::{Layout, Picture},
    textures::{UNIFORMS, Uploaded, bind_group_layout, extent},
};

/// Brightness of a picture that is no longer live.
pub(crate) const DIMMED: f32 = 0.4;

/// What is drawn in one widget.
#[derive(Debug)]
pub(crate) struct Primitive {
    pub(super) newest: Arc<Newest>,
    pub(super) placement: Placement,
    pub(super) dimmed: bool,
    /// What lies around the picture is drawn too.
    pub(super) covers: bool,
}

/// What all views share, and the textures of each.
pub(crate) struct Pipeline {
    module: wgpu::ShaderModule,
    format: wgpu::TextureFormat,
    /// One for each way to read planes that was needed, and whether it covers its area.
    pipelines: HashMap<(Layout, bool), wgpu::RenderPipeline>,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    /// Kept for as long as their stream is, so that a view that comes back shows what it did.
    views: HashMap<u64, View>,
}

/// The textures of one stream.
struct View {
    newest: Weak<Newest>,
    uniforms: wgpu::Buffer,
    picture: Option<Uploaded>,
}

impl shader::Primitive for Primitive {
    type Pipeline = Pipeline;

    fn prepare(
        &self,
        pipeline: &mut Pipeline,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        bounds: &Rectangle,
        viewport: &shader::Viewport,
    ) {
        if let Some(picture) = self.newest.take() {
            pipeline.upload(&self.newest, &picture, device, queue);
        }
        let Some(view) = pipeline.views.get_mut(&self.newest.id()) else { return };
        let Some(picture) = &view.picture else { return };
        let scale = viewport.scale_factor();
        let area = (bounds.width * scale, bounds.height * scale);
        let placed = self.placement.place(area, picture.size);
        let mut place = [
            area.0 / placed.width,
            area.1 / placed.height,
            -placed.left / placed.width,
            -placed.top / placed.height,
        ];
        if self.placement.mirror {
            (place[0], place[2]) = (-place[0], 1.0 - place[2]);
        }
        let light = if self.dimmed { DIMMED } else { 1.0 };
        let what = [light, 0.0, 0.0, 0.0];
        let ToRgb([red, green, blue]) = ToRgb::new(picture.layout, picture.colour);
        let mut bytes = [0; UNIFORMS];
        let numbers = [red, green, blue, place, what].into_iter().flatten();
        for (to, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            to.copy_from_slice(&number.to_ne_bytes());
        }
        queue.write_buffer(&view.uniforms, 0, &bytes);
        let key = (picture.layout, self.covers);
        if !pipeline.pipelines.contains_key(&key) {
            let new = pipeline.make(device, key);
            pipeline.pipelines.insert(key, new);
        }
    }

    fn draw(&self, pipeline: &Pipeline, pass: &mut wgpu::RenderPass<'_>) -> bool {
        let view = pipeline.views.get(&self.newest.id());
        if let Some(picture) = view.and_then(|view| view.picture.as_ref())
            && let Some(how) = pipeline.pipelines.get(&(picture.layout, self.covers))
        {
            pass.set_pipeline(how);
            pass.set_bind_group(0, &picture.bindings, &[]);
            pass.draw(0..3, 0..1);
        }
        true
    }
}

impl shader::Pipeline for Pipeline {
    fn new(device: &wgpu::Device, _queue: &wgpu::Queue, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("video.wgsl"));
        let layout = bind_group_layout(device);
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("video"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        let (pipelines, views) = (HashMap::new(), HashMap::new());
        Self { module, format, pipelines, layout, sampler, views }
    }

    fn trim(&mut self) {
        self.views.retain(|_, view| view.newest.strong_count() > 0);
    }
}

impl Pipeline {
    fn make(
        &self,
        device: &wgpu::Device,
        (layout, covers): (Layout, bool),
    ) -> wgpu::RenderPipeline {
        let number = |yes: bool| f64::from(u8::from(yes));
        let constants = [
            ("arrangement", f64::from(layout as u8)),
            ("encodes_gamma", number(self.format.is_srgb())),
            ("covers", number(covers)),
        ];
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("video"),
            bind_group_layouts: &[&self.layout],
            push_constant_ranges: &[],
        });
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("video"),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &self.module,
                entry_point: Some("vertex"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &self.module,
                entry_point: Some("fragment"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    ..wgpu::PipelineCompilationOptions::default()
                },
                targets: &[Some(wgpu::ColorTargetState {
                    format: self.format,
                    // Nothing shines through what covers all.
                    blend: (!covers).then_some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview: None,
            cache: None,
        })
    }

    fn upload(
        &mut self,
        newest: &Arc<Newest>,
        picture: &Picture,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
    ) {
        let longest = device.limits().max_texture_dimension_2d;
        if picture.size.width.max(picture.size.height) > longest {
            warn!("a picture of {} is larger than this GPU draws ({longest})", picture.size);
            return;
        }
        let view = self.views.entry(newest.id()).or_insert_with(|| View {
            newest: Arc::downgrade(newest),
            uniforms: device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: Some("video"),
                contents: &[0; UNIFORMS],
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            }),
            picture: None,
        });
        let fits = view.picture.as_ref().is_some_and(|uploaded| uploaded.fits(picture));
        if !fits {
            let new = Uploaded::new(picture, device, &self.layout, &self.sampler, &view.uniforms);
            view.picture = Some(new);
        }
        let Some(uploaded) = &mut view.picture else { return };
        uploaded.colour = picture.colour;
        for ((_, texture), (plane, bytes)) in uploaded.textures.iter().zip(picture.planes()) {
            queue.write_texture(
                texture.as_image_copy(),
                bytes,
                wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: u32::try_from(plane.stride).ok(),
                    rows_per_image: None,
                },
                extent(&plane),
            );
        }
    }
}
