//! Three lists to choose a mode from: size, rate and format.

use iced::{
    Element,
    widget::{pick_list, row},
};
use protocol::Mode;

use crate::{
    focus::{focusable, steps},
    modes::{self, Choice, Part},
    style::{self, BODY, NEAR},
    words,
};

/// The lists; each choice gives the mode with that part that is otherwise nearest to `like`.
/// `chosen` says whether `like` is more than where to begin.
pub(crate) fn view<'a>(modes: &[Mode], like: Mode, chosen: bool) -> Element<'a, Mode> {
    let with = |part: Part| modes::with(modes, like, part).unwrap_or(like);
    let sizes = modes::sizes(modes).into_iter();
    let sizes = sizes.map(|size| Choice::new(with(Part::Size(size)), words::size(size)));
    let rates = modes::rates(modes, like).into_iter();
    let rates = rates.map(|rate| Choice::new(with(Part::Rate(rate)), format!("{rate} fps")));
    let formats = modes::formats(modes, like.size).into_iter();
    let formats = formats.map(|it| Choice::new(with(Part::Format(it)), words::format(it)));
    let list = |options: Vec<Choice<Mode>>, now: String, placeholder: &'static str| {
        let now = options.iter().find(|option| chosen && option.to_string() == now).cloned();
        let keys = steps(&options, now.as_ref(), |choice| choice.value);
        let list = pick_list(options, now, |choice: Choice<Mode>| choice.value)
            .placeholder(placeholder)
            .text_size(BODY)
            .style(style::choice);
        focusable(list, true, keys)
    };
    row![
        list(sizes.collect(), words::size(like.size), "Size"),
        list(rates.collect(), format!("{} fps", like.rate), "Rate"),
        list(formats.collect(), words::format(like.format), "Format"),
    ]
    .spacing(NEAR)
    .wrap()
    .vertical_spacing(NEAR)
    .into()
}
