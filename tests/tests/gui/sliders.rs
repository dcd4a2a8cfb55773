//! A slider and the command line move each other.

use tests::{Service, wait_until};

use super::{PANEL, SOON, window::Gui};

fn brightness(service: &Service) -> i64 {
    let values = service.json(&["get", "test:0", "brightness"]);
    values[0]["value"].as_i64().unwrap_or_else(|| panic!("no value: {values}"))
}

#[test]
fn a_slider_and_the_command_line_move_each_other() {
    let service = Service::builder().test_camera("320x240@30").start();
    let gui = Gui::start(&service, "tiny-skia", &["--camera", "test:0"]);
    let handle = |what: &str, wanted: &dyn Fn(u32) -> bool| {
        wait_until(what, SOON, || {
            let (row, end) = gui.slider().ok_or("no slider")?;
            if wanted(end) { Ok((row, end)) } else { Err(format!("it ends at {end}")) }
        })
    };
    let set = |value: i64| service.cli(&["set", "test:0", &format!("brightness={value}")]).ok();

    set(-100);
    let (row, least) = handle("the slider at its least", &|end| end < PANEL.left + 40);
    set(100);
    let (_, most) = handle("the slider at its most", &|end| end > least + 200);
    set(0);
    let middle = (least + most) / 2;
    handle("the slider in its middle", &|end| end.abs_diff(middle) <= 2);

    // Dragged to a quarter; it ends where the pointer was let go.
    let (half, quarter) = (middle - 7, least + (most - least) / 4 - 7);
    let at = |x: u32| ["mousemove".to_owned(), x.to_string(), row.to_string()];
    let act = |args: &[String]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        gui.display.act(&args);
    };
    act(&at(half));
    gui.display.act(&["mousedown", "1"]);
    for x in (quarter..half).rev().step_by(3).chain([quarter]) {
        act(&at(x));
    }
    let value = wait_until("the value to which the slider was dragged", SOON, || {
        let value = brightness(&service);
        if (-53..=-47).contains(&value) { Ok(value) } else { Err(value.to_string()) }
    });
    gui.display.act(&["mouseup", "1"]);
    // Away from the slider, which is drawn otherwise under the pointer.
    gui.display.act(&["mousemove", "600", "760"]);
    let expected = least + ((most - least) as i64 * (value + 100) / 200) as u32;
    handle("the slider to stay there", &|end| end.abs_diff(expected) <= 2);
    assert_eq!(brightness(&service), value, "the last value is the one that it ends on");
}
