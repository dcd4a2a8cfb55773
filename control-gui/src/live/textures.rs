//! The textures of one picture, and how the shader is bound to them.

use iced::wgpu;
use protocol::{Colour, Size};

use super::picture::{Layout, Picture, Plane};

/// Bytes of the uniforms: five vectors of four numbers.
pub(super) const UNIFORMS: usize = 80;
/// Textures that the shader has.
const PLANES: usize = 3;

/// A picture on the GPU.
pub(super) struct Uploaded {
    pub(super) layout: Layout,
    pub(super) size: Size,
    pub(super) colour: Colour,
    pub(super) textures: Vec<(Plane, wgpu::Texture)>,
    pub(super) bindings: wgpu::BindGroup,
}

/// What the shader needs: uniforms, a sampler, and three textures.
pub(super) fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let visibility = wgpu::ShaderStages::FRAGMENT;
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None };
    let uniform = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: wgpu::BufferSize::new(UNIFORMS as u64),
    };
    let texture = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: true },
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("video"),
        entries: &[
            entry(0, uniform),
            entry(1, sampler),
            entry(2, texture),
            entry(3, texture),
            entry(4, texture),
        ],
    })
}

pub(super) fn extent(plane: &Plane) -> wgpu::Extent3d {
    wgpu::Extent3d { width: plane.width, height: plane.height, depth_or_array_layers: 1 }
}

impl Uploaded {
    pub(super) fn new(
        picture: &Picture,
        device: &wgpu::Device,
        layout: &wgpu::BindGroupLayout,
        sampler: &wgpu::Sampler,
        uniforms: &wgpu::Buffer,
    ) -> Self {
        let textures: Vec<_> = picture
            .planes()
            .map(|(plane, _)| {
                let texture = device.create_texture(&wgpu::TextureDescriptor {
                    label: Some("video plane"),
                    size: extent(&plane),
                    mip_level_count: 1,
                    sample_count: 1,
                    dimension: wgpu::TextureDimension::D2,
                    format: match plane.texel {
                        1 => wgpu::TextureFormat::R8Unorm,
                        2 => wgpu::TextureFormat::Rg8Unorm,
                        _ => wgpu::TextureFormat::Rgba8Unorm,
                    },
                    usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                    view_formats: &[],
                });
                (plane, texture)
            })
            .collect();
        // Every binding needs a texture; the shader does not read those that a layout has not.
        let views: Vec<_> = (0..PLANES)
            .map(|plane| &textures[plane.min(textures.len() - 1)].1)
            .map(|texture| texture.create_view(&wgpu::TextureViewDescriptor::default()))
            .collect();
        let texture = |plane: usize| wgpu::BindGroupEntry {
            binding: 2 + plane as u32,
            resource: wgpu::BindingResource::TextureView(&views[plane]),
        };
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("video"),
            layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: uniforms.as_entire_binding() },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::Sampler(sampler),
                },
                texture(0),
                texture(1),
                texture(2),
            ],
        });
        let (layout, size, colour) = (picture.layout, picture.size, picture.colour);
        Self { layout, size, colour, textures, bindings }
    }

    pub(super) fn fits(&self, picture: &Picture) -> bool {
        let same = |((a, _), (b, _)): (&(Plane, _), (Plane, _))| {
            (a.width, a.height, a.texel) == (b.width, b.height, b.texel)
        };
        self.layout == picture.layout
            && self.size == picture.size
            && self.textures.iter().zip(picture.planes()).all(same)
    }
}
