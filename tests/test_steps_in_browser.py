"""The page of `ag.step_through` in a real browser: every call in order, right numbers, keys, quiet, safe."""

from __future__ import annotations

import sys

import browser
import numpy as np
import pytest

import autograd_lite as ag


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = browser.start(tmp_path_factory.mktemp("profile"))
    driver.get("about:blank")  # away from the browser's own first page, which loads much
    yield driver
    driver.quit()


@pytest.fixture
def open_page(driver, tmp_path):
    """Opens the page of a loss; when the test is over, nothing was logged and nothing but the page was loaded."""
    browser.console(driver), browser.requests(driver)
    opened = []

    def open_page(loss, **options):
        page = ag.step_through(loss, tmp_path / "steps.html", **options)
        driver.get(page.as_uri())
        opened.append(page.as_uri())
        return driver

    yield open_page
    assert browser.console(driver) == []
    asked = [url for url in browser.requests(driver) if not url.startswith(("data:", "chrome:", "about:"))]
    assert asked == opened


def network():
    """A two-layer MLP, its parameters, and its loss."""
    model = ag.nn.MLP([2, 3, 1], activation="tanh", rng=0)
    X, t = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), np.array([[1.0], [1.0], [0.0], [0.0]])
    return model, lambda: ((model(X) - t) ** 2).mean()


def shared():
    x = ag.tensor(3.0, requires_grad=True, name="x")
    return x * x + x


def text(driver, name):
    return driver.find_element("id", name).text


def frame(driver):
    return int(text(driver, "count").split(" of ")[0])


def press(driver, *keys):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for key in keys:
        ActionChains(driver).send_keys(getattr(Keys, key, key)).perform()


def wait_for(driver, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 20, poll_frequency=0.02).until(lambda _: condition())


def click(driver, name):
    driver.find_element("id", name).click()


def look_into(driver, name):
    """Choose the box `name`, and read its value and its gradient, entry by entry."""
    from selenium.webdriver.support.ui import Select

    select = Select(driver.find_element("id", "which"))
    (option,) = [o for o in select.options if o.text.startswith(f"{name} (")]
    select.select_by_visible_text(option.text)
    script = """return [...document.querySelectorAll('#inspect-body .figure')].map(
        (figure) => [...figure.querySelectorAll('td, .scalar')].map((cell) => cell.textContent))"""
    return driver.execute_script(script)


def calls_of(function):
    """The ops whose generated code runs under `function`, and its result."""
    seen = []

    def profile(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith("<autograd_lite op"):
            seen.append((frame.f_code.co_name, frame.f_code.co_filename.removeprefix("<autograd_lite op ").rstrip(">")))

    sys.setprofile(profile)
    try:
        result = function()
    finally:
        sys.setprofile(None)
    return seen, result


def test_a_two_layer_mlp_is_stepped_through_call_by_call(open_page):
    model, compute = network()
    forward, loss = calls_of(compute)
    driver = open_page(loss)
    backward, _ = calls_of(loss.backward)
    fprops = [op for kind, op in forward if kind == "call"]
    bprops = [op for kind, op in backward if kind == "bprop"]
    assert len(fprops) == len(bprops) == 6
    titles = []
    assert text(driver, "count") == f"0 of {len(fprops) + len(bprops)}"
    while driver.find_element("id", "next").is_enabled():
        click(driver, "next")
        titles.append(text(driver, "step-title"))
        assert driver.find_element("id", "announce").get_property("textContent").startswith(titles[-1])
        lit = driver.find_elements("css selector", ".box.fprop, .box.bprop")
        assert [box.find_element("css selector", ".name").text for box in lit] == [titles[-1].split(": ")[1]]
    names = [title.split(": ")[1].split(" #")[0] for title in titles]
    assert names == fprops + bprops
    assert [title.split(" ")[0] for title in titles] == ["fprop"] * len(fprops) + ["bprop"] * len(bprops)
    for name, parameter in model.named_parameters():
        value, gradient = look_into(driver, parameter.node.name or name)
        assert value == [f"{x + 0:.6g}" for x in parameter.data.ravel()]
        assert gradient == [f"{x + 0:.6g}" for x in parameter.grad.ravel()]
    click(driver, "back")
    assert text(driver, "step-title") == titles[-2]
    click(driver, "first")
    assert frame(driver) == 0


def test_keys(open_page):
    driver = open_page(shared())
    press(driver, "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_RIGHT")
    assert frame(driver) == 3
    press(driver, "ARROW_LEFT")
    assert text(driver, "step-title") == "fprop 2 of 2: add"
    press(driver, "END", "ARROW_RIGHT")
    assert frame(driver) == 4
    press(driver, "HOME", "ARROW_LEFT")
    assert frame(driver) == 0
    driver.execute_script("document.getElementById('speed').options[2].selected = true")
    press(driver, "SPACE")
    assert text(driver, "play").endswith("Pause")
    wait_for(driver, lambda: frame(driver) == 4)
    assert text(driver, "play").endswith("Play")  # it stops at the end
    press(driver, "SPACE")  # and starts anew
    wait_for(driver, lambda: frame(driver) == 1)
    press(driver, "SPACE")
    assert text(driver, "play").endswith("Play")
    driver.find_element("css selector", ".box").send_keys("\ue007")
    assert driver.find_element("id", "which").get_property("value") == "0"
    press(driver, "ESCAPE")
    assert driver.find_element("id", "which").get_property("value") == ""


def test_the_slider(open_page):
    from selenium.webdriver.common.keys import Keys

    driver = open_page(shared())
    slider = driver.find_element("id", "slider")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert frame(driver) == 2
    slider.send_keys(Keys.END)
    assert frame(driver) == 4
    assert slider.get_attribute("aria-valuetext") == "bprop 2 of 2: multiply"
    click(driver, "first")
    assert slider.get_property("value") == "0"


def test_values_appear_forward_and_gradients_add_up_backward(open_page):
    driver = open_page(shared())

    def shown(part):
        return [element.text for element in driver.find_elements("css selector", f".box .{part}") if element.text]

    assert (shown("value"), shown("grad")) == (["value 3"], [])
    press(driver, "ARROW_RIGHT", "ARROW_RIGHT")
    assert (shown("value"), shown("grad")) == (["value 3", "value 9", "value 12"], [])
    press(driver, "ARROW_RIGHT")
    assert shown("grad") == ["grad 1", "grad 1", "grad 1"]
    assert "x goes into 3 places: their gradients add" in text(driver, "step-body")
    press(driver, "ARROW_RIGHT")
    assert shown("grad") == ["grad 7", "grad 1", "grad 1"]
    body = " ".join(text(driver, "step-body").split())
    assert "da = g * b da = 1 × 3 1 from above × 3 local derivative = 3 passed down" in body
    assert "4 so far + 3 this one = 7 sum, all have arrived" in body
    press(driver, "ARROW_LEFT")
    assert shown("grad") == ["grad 1", "grad 1", "grad 1"]


def test_zoom_pan_and_click(open_page):
    from selenium.webdriver.common.action_chains import ActionChains

    driver = open_page(shared())
    world = driver.find_element("css selector", "#picture > g")
    places = [world.get_attribute("transform")]

    def moved():
        places.append(world.get_attribute("transform"))
        return places[-1] != places[-2]

    click(driver, "closer")
    assert moved()
    press(driver, "-")
    assert moved()
    box = driver.find_element("css selector", ".box")
    ActionChains(driver).click_and_hold(box).move_by_offset(60, -40).release().perform()
    assert moved()
    assert driver.find_element("id", "which").get_property("value") == ""  # a drag looks into nothing
    click(driver, "fit")
    assert world.get_attribute("transform") == places[0]
    box.click()
    assert driver.find_element("id", "which").get_property("value") == "0"
    assert "Value" in text(driver, "inspect-body")
    assert "not found yet" in text(driver, "inspect-body")


def test_the_tab_key_meets_the_buttons_before_the_boxes_and_boxes_come_into_sight(open_page):
    model = ag.nn.MLP([3] * 16, rng=0)
    driver = open_page((model(np.ones((2, 3))) ** 2).sum())
    met = []
    for _ in range(50):
        press(driver, "TAB")
        focused = driver.switch_to.active_element
        met.append(focused.get_attribute("id") or focused.get_attribute("class").split()[0])
        if met[-1] == "box":
            at = "const at = arguments[0].getBoundingClientRect(), room = arguments[1].getBoundingClientRect();"
            inside = f"{at} return at.top >= room.top && at.bottom <= room.bottom"
            assert driver.execute_script(inside, focused, driver.find_element("id", "graph"))
    assert met[:6] == ["play", "next", "last", "slider", "speed", "box"]
    assert met.count("box") == 45


def test_what_is_called_stays_in_sight(open_page):
    model = ag.nn.MLP([3] * 16, rng=0)
    driver = open_page((model(np.ones((2, 3))) ** 2).sum())
    outside = """const room = document.getElementById('graph').getBoundingClientRect();
        return [...document.querySelectorAll('.box.fprop, .box.bprop, .box.given')].filter((box) => {
            const at = box.getBoundingClientRect();
            return at.top < room.top || at.bottom > room.bottom || at.left < room.left || at.right > room.right;
        }).length"""
    lowest = """return Math.max(...[...document.querySelectorAll('.box')].map((box) => box.getBoundingClientRect().bottom))
        <= document.getElementById('graph').getBoundingClientRect().bottom"""
    assert driver.execute_script(lowest)  # a tall graph opens at its inputs
    size = driver.get_window_size()
    for width, height in ((1400, 950), (600, 700)):
        driver.set_window_size(width, height)
        press(driver, "HOME")
        places = set()
        while driver.find_element("id", "next").is_enabled():
            press(driver, "ARROW_RIGHT")
            assert driver.execute_script(outside) == 0
            places.add(driver.find_element("css selector", "#picture > g").get_attribute("transform"))
        assert len(places) > 2  # it could not all be seen at once
    driver.set_window_size(size["width"], size["height"])


def test_modules_and_scopes_are_frames(open_page):
    with ag.named_scope("</text><b>the loss"):
        compute = network()[1]
        loss = compute()
    driver = open_page(loss)
    assert [frame.text for frame in driver.find_elements("css selector", ".module text")] == [
        "</text><b>the loss",
        "MLP",
    ]
    behind = "return [...document.querySelectorAll('#picture > g > g')].map((group) => group.getAttribute('class'))"
    classes = [name.split(" ")[0] for name in driver.execute_script(behind)]
    assert classes == sorted(classes, key=["module", "edge", "box"].index)


def test_everything_to_press_has_a_name(open_page):
    driver = open_page(shared())
    controls = driver.find_elements("css selector", "button, select, input, .box")
    assert len(controls) > 12
    assert all(control.accessible_name for control in controls)
    assert driver.find_element("css selector", ".box").accessible_name == "x, input, float64, value 3"
    assert driver.find_element("id", "announce").aria_role == "status"
    assert driver.find_element("css selector", "[aria-current=step]").text == "Inputs"


def test_dark_and_still_where_the_reader_wants_it(open_page):
    driver = open_page(shared())
    press(driver, "END")

    def look(scheme, motion):
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        page = driver.find_element("tag name", "body").value_of_css_property("background-color")
        edge = driver.find_element("css selector", ".edge.bprop path").value_of_css_property("animation-name")
        return page, edge

    assert look("light", "no-preference") == ("rgba(255, 255, 255, 1)", "down")
    assert look("dark", "reduce") == ("rgba(20, 24, 29, 1)", "none")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>window.hacked = 1</script>",
        '"><img src=x onerror="window.hacked = 1">',
        "back\\slash \\u003c 'quoted' `${window.hacked = 1}`",
        "{{data}} <!-- line\nbreak \u2028 ]]>",
    ],
)
def test_hostile_names_are_only_text(name, open_page):
    loss = ag.tensor([1.0, 2.0], requires_grad=True, name=name) * ag.tensor(2.0, requires_grad=True, name=name)
    driver = open_page(loss, title=name)
    press(driver, "END")
    driver.find_element("css selector", ".box").send_keys("\ue007")
    assert driver.execute_script("return window.hacked") is None
    assert driver.find_elements("css selector", "img, svg foreignObject") == []
    assert driver.execute_script("return document.scripts.length") == 2
    assert driver.find_element("css selector", "h1").get_property("textContent") == name
    title = driver.find_element("css selector", ".box title").get_property("textContent")
    assert title == f"{name} #1"


def test_large_arrays_are_heat_maps(open_page):
    model = ag.nn.MLP([64, 32, 10], activation="relu", rng=0, dtype=np.float32)
    X = np.random.default_rng(0).random((8, 64), dtype=np.float32)
    driver = open_page(ag.nn.cross_entropy(model(X), np.arange(8)))
    press(driver, "END")
    look_into(driver, "W1")
    painted = """return [...document.querySelectorAll('#inspect-body canvas')].map((canvas) =>
        new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size)"""
    assert all(colours > 10 for colours in driver.execute_script(painted))
    assert len(driver.find_elements("css selector", "#inspect-body canvas")) == 2


def test_the_page_works_inside_a_notebook(driver, tmp_path):
    page = ag.step_through(shared(), tmp_path / "steps.html")
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!DOCTYPE html><title>notebook</title>{page._repr_html_()}", encoding="utf-8")
    browser.console(driver)
    driver.get(notebook.as_uri())
    driver.switch_to.frame(0)
    click(driver, "last")
    assert text(driver, "step-title") == "bprop 2 of 2: multiply"
    driver.switch_to.default_content()
    assert [message for message in browser.console(driver) if "favicon" not in message] == []
