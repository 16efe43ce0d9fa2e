//! Tests of the shipped themes and maps, and of a user's folder.

use std::fs;

use super::*;

fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// Oklab lightness (Ottosson 2020), 0 to 1.
fn lightness(Rgb(r, g, b): Rgb) -> f64 {
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s
}

/// WCAG contrast of two colours, 1 to 21.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let y = |c: Rgb| 0.2126 * linear(c.0) + 0.7152 * linear(c.1) + 0.0722 * linear(c.2) + 0.05;
    (y(a) / y(b)).max(y(b) / y(a))
}

#[test]
fn the_shipped_set_is_complete() {
    let set = ThemeSet::builtin().unwrap();
    let names: Vec<&str> = set.themes().iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["blockscope", "dark", "light", "high-contrast", "colour-blind", "mono"]);
    assert_eq!(names[0], DEFAULT_THEME);
    let maps: Vec<&str> = set.colormaps().iter().map(|m| m.name.as_str()).collect();
    assert_eq!(maps, ["viridis", "magma", "inferno", "cividis", "grey"]);
    assert!(set.themes().iter().all(|t| set.colormap(&t.colormap).is_some()));
}

#[test]
fn ramps_of_the_palette_only_lighten_and_leave_the_users_colours_alone() {
    for map in ThemeSet::builtin().unwrap().colormaps() {
        let ramp = map.ramp();
        assert!(ramp.iter().all(|i| *i >= 16), "{}", map.name);
        let mut ramp = ramp.to_vec();
        ramp.dedup();
        assert!(ramp.len() >= 14, "{}", map.name);
        for pair in ramp.windows(2) {
            let (a, b) = (lightness(xterm(pair[0])), lightness(xterm(pair[1])));
            assert!(b > a, "{}: {} ({a:.3}) then {} ({b:.3})", map.name, pair[0], pair[1]);
        }
    }
}

#[test]
fn maps_lighten_from_end_to_end_and_hold_the_published_colours() {
    let set = ThemeSet::builtin().unwrap();
    for map in set.colormaps() {
        // Rounding to 8 bits leaves steps of a few thousandths.
        let l: Vec<f64> = map.quantised(256).into_iter().map(lightness).collect();
        assert!(l.windows(2).all(|w| w[1] > w[0] - 0.004), "{}", map.name);
        assert!(l[255] - l[0] > 0.5);
    }
    // matplotlib's tables at entries 0, 64, 128, 192 and 255, in 8 bits. Between
    // stops a map may be one step off.
    for (name, published) in [
        ("viridis", ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"]),
        ("magma", ["#000004", "#51127c", "#b73779", "#fc8961", "#fcfdbf"]),
        ("inferno", ["#000004", "#57106e", "#bc3754", "#f98e09", "#fcffa4"]),
        ("cividis", ["#00224e", "#434e6c", "#7d7c78", "#bcae6c", "#fee838"]),
        ("grey", ["#000000", "#404040", "#808080", "#c0c0c0", "#ffffff"]),
    ] {
        let map = set.colormap(name).unwrap();
        for (entry, published) in [0u8, 64, 128, 192, 255].into_iter().zip(published) {
            let (got, want) =
                (map.rgb(f64::from(entry) / 255.0), published.parse::<Rgb>().unwrap());
            let off =
                [(got.0, want.0), (got.1, want.1), (got.2, want.2)].map(|(a, b)| a.abs_diff(b));
            assert!(off.iter().all(|d| *d <= 1), "{name} {entry}: {got} for {want}");
        }
    }
}

#[test]
fn values_outside_the_scale_take_its_ends() {
    let set = ThemeSet::builtin().unwrap();
    let map = set.colormap("viridis").unwrap();
    assert_eq!(map.rgb(-3.0), map.rgb(0.0));
    assert_eq!(map.rgb(f64::INFINITY), map.rgb(1.0));
    assert_eq!(map.rgb(f64::NAN), map.rgb(0.0));
    assert_eq!((map.ansi256(-1.0), map.ansi256(2.0)), (53, 227));
    assert_eq!(map.ansi256(0.999_999), 227);
    let levels = map.quantised(32);
    assert_eq!((levels.len(), levels[0], levels[31]), (32, map.rgb(0.0), map.rgb(1.0)));
    assert_eq!(map.quantised(1), [map.rgb(0.0)]);
    assert!(map.quantised(0).is_empty());
    assert!(Colormap::new("x", vec![Rgb(0, 0, 0)], vec![16, 17]).is_err());
    assert!(Colormap::new("x", vec![Rgb(0, 0, 0); 2], vec![7, 17]).unwrap_err().contains("7"));
}

/// The grounds that a theme is for: those of dark or of light terminals, or both.
fn grounds(theme: &str) -> &'static [Rgb] {
    const BLACK: Rgb = Rgb(0, 0, 0);
    const WHITE: Rgb = Rgb(255, 255, 255);
    match theme {
        "dark" => &[BLACK],
        "light" => &[WHITE],
        _ => &[BLACK, WHITE],
    }
}

/// The usual value of a colour; `None` if it is the terminal's own.
fn value(colour: ColourSpec) -> Option<Rgb> {
    match colour {
        ColourSpec::Default => None,
        ColourSpec::Ansi(n) | ColourSpec::Indexed(n) => Some(xterm(n)),
        ColourSpec::Rgb(rgb) => Some(rgb),
    }
}

#[test]
fn every_role_can_be_read_on_every_ground_of_its_theme() {
    for theme in ThemeSet::builtin().unwrap().themes() {
        let grounds = grounds(&theme.name);
        for role in Role::ALL {
            let style = theme.style(role);
            // text without a colour is the terminal's, which can be read
            let Some(fg) = style.fg.and_then(value) else { continue };
            let own = style.bg.and_then(value);
            for ground in own.as_ref().map_or(grounds, std::slice::from_ref) {
                let found = contrast(fg, *ground);
                assert!(found >= 4.5, "{} {} on {ground}: {found:.2}", theme.name, role.name());
            }
        }
    }
}

#[test]
fn mono_has_no_colour_and_high_contrast_nothing_faint() {
    let set = ThemeSet::builtin().unwrap();
    let styles = |name: &str| Role::ALL.map(|role| set.theme(name).unwrap().style(role));
    assert!(styles("mono").iter().all(|s| s.fg.is_none() && s.bg.is_none()));
    assert!(styles("high-contrast").iter().all(|s| s.fg.is_none() && !s.dim));
}

#[test]
fn a_users_folder_wins_inherits_and_reports() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    put("a.ron", "(name: \"dark\", parent: \"dark\", roles: {\"accent\": (fg: \"#ff0000\")})");
    put(
        "b.ron",
        "(name: \"mine\", parent: \"dark\", colormap: \"two\", colormaps: [(name: \"two\", stops: [\"#000000\", \"#ffffff\"], ansi256: [16, 231])])",
    );
    put("c.ron", "(name: \"x\", parent: \"y\")");
    put("d.ron", "(name: \"y\", parent: \"x\")");
    put("e.ron", "(name: \"z\", parent: \"drak\")");
    put("f.ron", "(name: \"w\", colormap: \"virids\")");
    put("g.ron", "(name: \"v\"");
    put("h.ron", "(name: \"u\")");
    put("notes.txt", "not a theme");
    fs::create_dir(dir.path().join("i.ron")).unwrap();
    let (set, errors) = ThemeSet::builtin().unwrap().with_user_dir(dir.path());
    let red = Some(ColourSpec::Rgb(Rgb(255, 0, 0)));
    let dark = set.theme("dark").unwrap();
    assert_eq!(dark.style(Role::Accent).fg, red);
    assert_eq!(dark.style(Role::Border).fg, Some(ColourSpec::Ansi(8)));
    let mine = set.theme("mine").unwrap();
    assert_eq!((mine.style(Role::Accent).fg, mine.colormap.as_str()), (red, "two"));
    assert_eq!(set.themes().len(), 7);
    let text = errors.iter().map(|e| e.to_string()).collect::<Vec<_>>().join("\n");
    assert_eq!((errors.len(), text.lines().count()), (7, 7), "{text}");
    assert!(
        text.contains("c.ron: parents run in a circle: x -> y -> x") || text.contains("circle"),
        "{text}"
    );
    assert!(text.contains("e.ron: no theme \"drak\"; did you mean \"dark\"?"), "{text}");
    assert!(text.contains("f.ron: no colour map \"virids\"; did you mean \"viridis\"?"), "{text}");
    assert!(text.contains("g.ron:1:") && text.contains("h.ron: names neither"), "{text}");
    assert!(set.find("blokscope").unwrap_err().to_string().contains("\"blockscope\""));
    let (same, none) = set.clone().with_user_dir(&dir.path().join("missing"));
    assert_eq!((same == set, none.len()), (true, 0));
}

#[test]
fn a_role_falls_back_within_its_theme() {
    let dir = tempfile::tempdir().unwrap();
    let text = "(name: \"t\", colormap: \"grey\", roles: {\"accent\": (fg: \"red\"), \"bad\": (bold: true)})";
    fs::write(dir.path().join("t.ron"), text).unwrap();
    let (set, errors) = ThemeSet::builtin().unwrap().with_user_dir(dir.path());
    assert!(errors.is_empty(), "{errors:?}");
    let theme = set.theme("t").unwrap();
    assert_eq!(theme.style(Role::Key).fg, Some(ColourSpec::Ansi(1)));
    assert!(theme.style(Role::Error).bold);
    assert_eq!(theme.style(Role::Border), StyleSpec::default());
    // Every chain ends.
    for role in Role::ALL {
        assert!(std::iter::successors(Some(role), |r| r.fallback()).take(9).count() < 9);
        assert_eq!(Role::from_name(role.name()), Some(role));
        assert_eq!(Role::ALL[role as usize], role);
    }
}

#[test]
fn the_documented_sample_has_every_role_and_equals_the_default_theme() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/theme-sample.ron");
    let set = ThemeSet::builtin().unwrap();
    let sample = set.check(&path).unwrap();
    let default = set.theme(DEFAULT_THEME).unwrap();
    assert_eq!(sample.colormap, default.colormap);
    let text = fs::read_to_string(&path).unwrap();
    for role in Role::ALL {
        assert_eq!(sample.style(role), default.style(role), "{}", role.name());
        assert!(text.contains(&format!("        \"{}\": (", role.name())), "{}", role.name());
    }
    // the example in its comment is in order too
    let example = text.replace("    //     ", "    ").replace("    colormaps: [],\n", "");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("example.ron");
    fs::write(&file, example).unwrap();
    assert!(set.check(&file).is_ok(), "{:?}", set.check(&file));
}
