// Draws one picture into the widget's bounds, to which the viewport is set.

// Known when a pipeline is made: what a GPU made of software would compute for each pixel, and then
// throw away, is not there.
// How the planes are read, in the order of `Layout`.
override arrangement: u32 = 0u;
// Whether the target encodes gamma.
override encodes_gamma: bool = false;
// Whether what lies around the picture is drawn too.
override covers: bool = false;

// What a picture is shown on, as `style::screen` has it.
const BACKDROP = vec3<f32>(11.0, 13.0, 16.0) / 255.0;

struct Uniforms {
    // Coefficients of luma, U and V (or of R, G and B), and what is added.
    red: vec4<f32>,
    green: vec4<f32>,
    blue: vec4<f32>,
    // From a place in the area (0 to 1) to one in the picture: factor and offset.
    place: vec4<f32>,
    // Brightness; the rest is not used.
    what: vec4<f32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var smooth_sampler: sampler;
@group(0) @binding(2) var plane_0: texture_2d<f32>;
@group(0) @binding(3) var plane_1: texture_2d<f32>;
@group(0) @binding(4) var plane_2: texture_2d<f32>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Vertex {
    let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    var out: Vertex;
    out.position = vec4<f32>(corner * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0), 0.0, 1.0);
    out.at = corner;
    return out;
}

fn read(at: vec2<f32>) -> vec4<f32> {
    let first = textureSampleLevel(plane_0, smooth_sampler, at, 0.0);
    switch arrangement {
        case 0u: { return first; }
        case 1u: { return vec4<f32>(first.r, 0.5, 0.5, 1.0); }
        case 2u: {
            let chroma = textureSampleLevel(plane_1, smooth_sampler, at, 0.0);
            return vec4<f32>(first.r, chroma.g, chroma.a, 1.0);
        }
        case 3u: {
            let chroma = textureSampleLevel(plane_1, smooth_sampler, at, 0.0);
            return vec4<f32>(first.r, chroma.r, chroma.g, 1.0);
        }
        default: {
            let blue = textureSampleLevel(plane_1, smooth_sampler, at, 0.0).r;
            let red = textureSampleLevel(plane_2, smooth_sampler, at, 0.0).r;
            return vec4<f32>(first.r, blue, red, 1.0);
        }
    }
}

fn linear(encoded: vec3<f32>) -> vec3<f32> {
    let low = encoded / 12.92;
    let high = pow((encoded + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, encoded <= vec3<f32>(0.04045));
}

fn shown(encoded: vec3<f32>) -> vec3<f32> {
    if encodes_gamma {
        return linear(encoded);
    }
    return encoded;
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    let at = in.at * u.place.xy + u.place.zw;
    if any(at < vec2<f32>(0.0)) || any(at > vec2<f32>(1.0)) {
        if covers {
            return vec4<f32>(shown(BACKDROP), 1.0);
        }
        return vec4<f32>(0.0);
    }
    let sample = vec4<f32>(read(at).rgb, 1.0);
    var colour = vec3<f32>(dot(u.red, sample), dot(u.green, sample), dot(u.blue, sample));
    colour = clamp(colour, vec3<f32>(0.0), vec3<f32>(1.0)) * u.what.x;
    return vec4<f32>(shown(colour), 1.0);
}
