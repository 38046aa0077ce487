//! The operator of `dev`, and the link with which a browser signs in.

use model::{OperatorName, Role};

use super::super::{Failed, console};
use server::app::App;

/// The operator's name.
const NAME: &str = "dev";

/// A link that signs the operator of `dev` in once, within 10 minutes. The operator is made where there is none.
pub(super) async fn link(app: &App) -> Result<String, Failed> {
    let name: OperatorName = NAME.parse().map_err(Failed::new)?;
    let token = app.sign_ins().link_for(&name, Role::Admin).await.map_err(Failed::new)?;
    Ok(console::link(format_args!("http://{}", app.admin_address), token.reveal()))
}
