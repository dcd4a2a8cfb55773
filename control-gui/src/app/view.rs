//! What fills the window.

use iced::{
    Center, Element, Fill,
    widget::{bottom, column, container, mouse_area, row, space, stack, text, toggler},
};

use super::{App, Message, Page, Shown};
use crate::{
    focus::{self, Use, button, focusable},
    pointer,
    screen::{cameras, clients, controls::Panel, help, no_camera, stage},
    style::{self, APART, BODY, NEAR, TITLE},
    words::Tone,
};

/// Windows narrower than this have room for the list or for the controls.
const ROOM_FOR_BOTH: f32 = 1000.0;

impl App {
    /// The window.
    pub(crate) fn view(&self) -> Element<'_, Message> {
        let content = if !self.model.is_known && matches!(self.page, Page::Cameras) {
            column![self.bar(), self.welcome()].into()
        } else {
            match self.fullscreen_picture() {
                Some(picture) => picture,
                None => column![self.bar(), self.gone(), self.page()].into(),
            }
        };
        let notices = (!self.notices.is_empty()).then(|| {
            let notices = self.notices.view().map(Message::Notice);
            bottom(container(notices).padding(APART).center_x(Fill)).into()
        });
        // Always a stack: what is below keeps its focus and place when a notice comes or goes.
        let all = stack![container(content).width(Fill).height(Fill)].extend(notices);
        pointer::followed(focus::window(all))
    }

    fn welcome(&self) -> Element<'_, Message> {
        self.welcome.view(self.why.as_ref(), &self.setup).map(Message::Welcome)
    }

    fn fullscreen_picture(&self) -> Option<Element<'_, Message>> {
        let alone = self.fullscreen && !self.stage.grid && matches!(self.page, Page::Cameras);
        alone
            .then(|| self.stage.picture(self.shown(), true))?
            .map(|picture| picture.map(Message::Stage))
    }

    fn shown(&self) -> stage::Shown<'_> {
        stage::Shown {
            camera: self.selected_camera(),
            detail: self.selected.as_ref().and_then(|camera| self.details.get(camera)),
            figures: self.remembered.figures,
        }
    }

    /// The bar at the top: the switch that turns all cameras off is always there.
    fn bar(&self) -> Element<'_, Message> {
        let off = self.model.privacy_off;
        let label = if off { "All cameras are off" } else { "Turn all cameras off" };
        let connected = self.link.is_some();
        let switch = toggler(off)
            .style(style::switch)
            .on_toggle_maybe(connected.then_some(Message::Privacy));
        let pressed = move |used| (used == Use::Press).then_some(Message::Privacy(!off));
        let switch = focusable(switch, connected, pressed);
        let label = mouse_area(text(label).size(BODY)).on_press(Message::Privacy(!off));
        let privacy = row![switch, label].spacing(NEAR).align_y(Center);
        let tool = |label, on, shown| {
            button(text(label).size(BODY))
                .style(style::switch_button(on))
                .on_press(Message::Show(shown))
        };
        let on_cameras = matches!(self.page, Page::Cameras);
        let mut tools = row![].spacing(NEAR);
        if self.model.is_known {
            tools = tools
                .push(tool("Controls", on_cameras && self.remembered.controls, Shown::Controls))
                .push(tool("Who watches", matches!(self.page, Page::Clients), Shown::Clients))
                .push(tool("Remote", matches!(self.page, Page::Remote), Shown::Remote));
        }
        let tools = tools
            .push(tool("Settings", matches!(self.page, Page::Settings(_)), Shown::Settings))
            .push(tool("Keys", matches!(self.page, Page::Help), Shown::Help));
        let content = row![text("Cameras").size(TITLE), space::horizontal(), privacy, tools];
        container(content.spacing(APART).align_y(Center))
            .padding([NEAR, APART])
            .width(Fill)
            .style(style::side)
            .into()
    }

    /// A line that says that the service is gone, with a button to start it.
    fn gone(&self) -> Option<Element<'_, Message>> {
        use crate::screen::welcome;
        self.why.as_ref().filter(|_| self.model.is_known)?;
        let start = button(text("Start the service").size(BODY))
            .style(style::plain_button)
            .on_press(Message::Welcome(welcome::Message::Start));
        let what = "The camera service has ended. What is shown is how things were.";
        let content = row![text(what).size(BODY).width(Fill), start].spacing(APART).align_y(Center);
        let banner =
            container(content).padding([NEAR, APART]).style(style::banner(Tone::Attention));
        Some(container(banner).padding([NEAR, APART]).into())
    }

    fn page(&self) -> Element<'_, Message> {
        let page = match &self.page {
            Page::Cameras => return self.cameras_page(),
            Page::Clients => clients::view(&self.model).map(Message::Clients),
            Page::Remote => self.remote.view().map(Message::Remote),
            Page::Settings(settings) => {
                settings.view(&self.remembered, &self.setup).map(Message::Settings)
            }
            Page::Help => help::view().map(Message::Help),
        };
        container(page).center_x(Fill).into()
    }

    fn cameras_page(&self) -> Element<'_, Message> {
        let nowhere = self.model.cameras.is_empty() && self.stage.watched() == 0;
        let panel = self.panel.as_ref().filter(|_| self.remembered.controls && !self.stage.grid);
        let list = (panel.is_none() || self.size.width >= ROOM_FOR_BOTH).then(|| {
            let selected = self.selected.as_ref();
            cameras::view(&self.model, &self.stage, selected).map(Message::Cameras)
        });
        let stage = if nowhere {
            no_camera::view(&self.setup.findings).map(Message::NoCamera)
        } else {
            self.stage.view(self.shown(), |camera| self.name_of(camera)).map(Message::Stage)
        };
        row![]
            .extend(list)
            .push(container(stage).width(Fill).height(Fill))
            .extend(panel.map(Panel::view).map(|panel| panel.map(Message::Controls)))
            .into()
    }
}
