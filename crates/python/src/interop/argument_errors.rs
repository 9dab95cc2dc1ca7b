//! What is wrong with the arguments of a call, in CPython's words: those of a function written in Python where the name of
//! ours has a class in it (`Handle.__init__`), else those that Argument Clinic writes (`Task`).

use super::arguments::{Arguments, Signature};
use super::errors::{Builtin, Raised};
use super::values;

/// A call that does not fit the signature. The checks come in the order in which CPython makes them.
#[cold]
#[inline(never)]
pub(super) fn misfit<const N: usize>(given: &Arguments<'_>, wanted: &Signature<N>) -> Raised {
    let text = if wanted.function.contains('.') {
        python_text(given, wanted)
    } else {
        clinic_text(given, wanted)
    };
    Builtin::TypeError.raise(&text)
}

/// The name of a keyword argument that the signature does not have.
fn unexpected<const N: usize>(given: &Arguments<'_>, wanted: &Signature<N>) -> Option<String> {
    (0..given.keyword_count())
        .map(|index| given.keyword(index).0)
        .find(|name| {
            !wanted
                .names
                .iter()
                .any(|known| values::same_text(name, known.object()))
        })
        .map(|name| values::text(&name).unwrap_or_default())
}

/// The place of an argument that is given by position and by name.
fn given_twice<const N: usize>(given: &Arguments<'_>, wanted: &Signature<N>) -> Option<usize> {
    (0..given.positional().len().min(N)).find(|place| is_named(given, wanted, *place))
}

fn is_named<const N: usize>(given: &Arguments<'_>, wanted: &Signature<N>, place: usize) -> bool {
    (0..given.keyword_count())
        .any(|index| values::same_text(&given.keyword(index).0, wanted.names[place].object()))
}

fn missing<'a, const N: usize>(
    given: &'a Arguments<'_>,
    wanted: &'a Signature<N>,
) -> impl Iterator<Item = usize> + 'a {
    (given.positional().len()..wanted.required).filter(|place| !is_named(given, wanted, *place))
}

fn python_text<const N: usize>(given: &Arguments<'_>, wanted: &Signature<N>) -> String {
    let function = wanted.function;
    if let Some(name) = unexpected(given, wanted) {
        return unexpected_keyword(function, &name);
    }
    if let Some(place) = given_twice(given, wanted) {
        let name = wanted.names[place].text();
        return format!("{function}() got multiple values for argument '{name}'");
    }
    // `self` counts.
    let (least, most) = (wanted.required + 1, wanted.positional.saturating_add(1));
    let count = given.positional().len() + 1;
    if count > most {
        let takes = match (least < most, most) {
            (true, _) => format!("from {least} to {most} positional arguments"),
            (false, 1) => "1 positional argument".to_owned(),
            (false, _) => format!("{most} positional arguments"),
        };
        return format!("{function}() takes {takes} but {count} were given");
    }
    let names: Vec<String> = missing(given, wanted)
        .map(|place| format!("'{}'", wanted.names[place].text()))
        .collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let listed = match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [leading @ .., last] => format!("{}, and {last}", leading.join(", ")),
    };
    let count = names.len();
    format!("{function}() missing {count} required positional argument{plural}: {listed}")
}

fn clinic_text<const N: usize>(given: &Arguments<'_>, wanted: &Signature<N>) -> String {
    let function = wanted.function;
    let positional = given.positional().len();
    let total = positional + given.keyword_count();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    if total > N {
        let kind = if positional == 0 { "keyword " } else { "" };
        return format!(
            "{function}() takes at most {N} {kind}argument{} ({total} given)",
            plural(N)
        );
    }
    if positional > wanted.positional {
        if wanted.positional == 0 {
            return format!("{function}() takes no positional arguments");
        }
        let bound = if wanted.required < wanted.positional {
            "at most"
        } else {
            "exactly"
        };
        return format!(
            "{function}() takes {bound} {} positional argument{} ({positional} given)",
            wanted.positional,
            plural(wanted.positional)
        );
    }
    if let Some(place) = missing(given, wanted).next() {
        let name = wanted.names[place].text();
        return format!(
            "{function}() missing required argument '{name}' (pos {})",
            place + 1
        );
    }
    if let Some(place) = given_twice(given, wanted) {
        let name = wanted.names[place].text();
        let position = place + 1;
        return format!(
            "argument for {function}() given by name ('{name}') and position ({position})"
        );
    }
    let name = unexpected(given, wanted).unwrap_or_default();
    unexpected_keyword(function, &name)
}

/// A keyword argument that a function does not take.
pub(super) fn unexpected_keyword(function: &str, name: &str) -> String {
    if cfg!(Py_3_13) || function.contains('.') {
        format!("{function}() got an unexpected keyword argument '{name}'")
    } else {
        format!("'{name}' is an invalid keyword argument for {function}()")
    }
}
