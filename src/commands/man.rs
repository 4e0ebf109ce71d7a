//! `finmirror man [COMMAND]`: manual pages in roff, from the same definition as `--help`.

use std::io::Write;

use clap::CommandFactory;

use crate::cli::{Cli, ManArgs};

/// Prints the manual page of finmirror, or of one command. Fails where there is no such command.
pub fn run(args: &ManArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut command = Cli::command();
    command.build();
    if let Some(name) = &args.command {
        let Some(found) = command.find_subcommand(name) else {
            anyhow::bail!("there is no command `{name}`: `finmirror --help` lists them");
        };
        command = found.clone();
    }
    let version = concat!("finmirror ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(version).render(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(command: Option<&str>) -> anyhow::Result<String> {
        let mut out = Vec::new();
        run(&ManArgs { command: command.map(str::to_owned) }, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn every_command_has_a_page() {
        assert!(page(None).unwrap().contains("finmirror\\-plan(1)"));
        let simulator = page(Some("simulator")).unwrap();
        assert!(simulator.contains(".TH finmirror-simulator 1") && simulator.contains("rate\\-limit"), "{simulator}");
        assert!(page(Some("nonsense")).unwrap_err().to_string().contains("`nonsense`"));
    }
}
