//! The stand-ins for SQS, SNS and Bedrock.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use jiff::Timestamp;

use crate::bedrock::{self, Bedrock};
use crate::lambda::{Ids, Listener, Server};
use crate::service::Outage;
use crate::sns::{self, Topics};
use crate::sqs::{self, Queues};
use crate::template::{self, Template};

/// The stand-ins, on free ports of this machine.
pub(super) struct Services {
    pub(super) queues: Queues,
    pub(super) topics: Topics,
    pub(super) bedrock: Bedrock,
    pub(super) queue_outage: Outage,
    pub(super) topic_outage: Outage,
    sqs: Server,
    sns: Server,
    runtime: Server,
}

impl Services {
    /// Starts them with the template's queues and topics.
    ///
    /// # Errors
    /// When there is no free port.
    pub(super) async fn start(template: &Template, clock: fn() -> Timestamp) -> io::Result<Self> {
        let queues = Queues::new(&template.queues, clock);
        let topics = Topics::new(template.topics.iter().map(|topic| topic.arn.clone()));
        let bedrock = Bedrock::default();
        let (queue_outage, topic_outage) = (Outage::default(), Outage::default());
        let door = door().await?;
        let account = template::Settings::default().account_id;
        let sqs = sqs::router(
            queues.clone(),
            door.address(),
            account,
            queue_outage.clone(),
            Ids::new(clock),
        );
        let sqs = Server::start(door, sqs);
        let sns = sns::router(topics.clone(), topic_outage.clone(), Ids::new(clock), clock);
        let sns = Server::start(self::door().await?, sns);
        let runtime = Server::start(self::door().await?, bedrock::router(bedrock.clone()));
        Ok(Self {
            queues,
            topics,
            bedrock,
            queue_outage,
            topic_outage,
            sqs,
            sns,
            runtime,
        })
    }

    /// The variables that say where they are.
    pub(super) fn endpoints(&self) -> [(&'static str, String); 3] {
        let url = |server: &Server| format!("http://{}", server.address());
        [
            ("AWS_ENDPOINT_URL_SQS", url(&self.sqs)),
            ("AWS_ENDPOINT_URL_SNS", url(&self.sns)),
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url(&self.runtime)),
        ]
    }

    /// The queues' URLs in AWS, each with that on this machine.
    pub(super) fn queue_urls(&self, template: &Template) -> Vec<(String, String)> {
        let queues = template.queues.iter();
        let urls = queues.filter_map(|queue| {
            let (_, path) = queue.url.split_once("://")?.1.split_once('/')?;
            Some((queue.url.clone(), format!("http://{}/{path}", self.sqs.address())))
        });
        urls.collect()
    }

    /// Stops listening.
    pub(super) async fn stop(self) {
        tokio::join!(self.sqs.shutdown(), self.sns.shutdown(), self.runtime.shutdown());
    }
}

/// A free port of this machine.
async fn door() -> io::Result<Listener> {
    Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
}
