//! Writes `search/plan/generated.ts`: the plan algebra of `src/plan` as TypeScript types.

use std::{any::TypeId, collections::BTreeMap, collections::HashSet, path::PathBuf};

use ts_rs::{Config, TS, TypeVisitor};
use varve_query::plan::Query;

/// Declarations by name, so that the file does not depend on the order in which types are met.
#[derive(Default)]
struct Declarations {
    config: Config,
    seen: HashSet<TypeId>,
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        // Only our own types have a file to be written to; `Vec` and the like do not.
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let declaration = format!("{docs}export {}", T::decl(&self.config));
            self.by_name.insert(T::name(&self.config), declaration);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn main() -> std::io::Result<()> {
    let mut declarations = Declarations::default();
    declarations.visit::<Query>();
    let mut text =
        "// Generated from native/query/src/plan by `npm run generate`; do not edit.\n".to_owned();
    for declaration in declarations.by_name.values() {
        text.push('\n');
        text.push_str(declaration);
        text.push('\n');
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../search/plan/generated.ts");
    std::fs::write(path, text)
}
